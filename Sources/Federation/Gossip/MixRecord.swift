public import Cryptography

/// A mean that a node formed, for its log.
///
/// In the log: round (8), member (32), own state (32), own examples (4), members (4), number of
/// inputs (4), the summary of each, new adapter (32), consensus distance (8), norm of the mean (8).
/// The evidence is the signature (64) of each input's announcement, in their order.
public struct MixRecord: Hashable, Sendable {
    /// What was averaged.
    public let order: MixOrder
    /// The new adapter state.
    public let adapterDigest: ObjectID
    /// How far the averaged states lay apart.
    public let distance: ConsensusDistance
    /// The signatures of the inputs' announcements; empty in a record that was read from a payload,
    /// for they lie beside it.
    public let signatures: [[UInt8]]

    var payload: [UInt8] {
        var writer = CanonicalWriter()
        writer.write(order.round)
        writer.write(raw: order.member.bytes)
        writer.write(raw: order.ownState.bytes)
        writer.write(count: order.ownExampleCount)
        writer.write(count: order.memberCount)
        writer.write(count: order.inputs.count)
        for input in order.inputs { writer.write(raw: DurableRecord.bytes(of: input)) }
        writer.write(raw: adapterDigest.bytes)
        writer.write(distance.value)
        writer.write(distance.meanNorm)
        return writer.bytes
    }

    init(
        order: MixOrder, adapterDigest: ObjectID, distance: ConsensusDistance,
        signatures: [[UInt8]]
    ) {
        self.order = order
        self.adapterDigest = adapterDigest
        self.distance = distance
        self.signatures = signatures
    }

    /// Reads ``payload``.
    init(payload: [UInt8]) throws(CanonicalError) {
        var reader = CanonicalReader(payload)
        let round = try reader.read(UInt64.self)
        let member = try reader.readKey()
        let ownState = try reader.readDigest()
        let ownExampleCount = Int(try reader.read(UInt32.self))
        let memberCount = Int(try reader.read(UInt32.self))
        let count = try reader.readCount(
            max: 15, itemByteCount: DurableRecord.summaryByteCount)
        var inputs: [UpdateSummary] = []
        for _ in 0..<count {
            let start = reader.offset
            let bytes = try reader.read(rawCount: DurableRecord.summaryByteCount)
            let input = try DurableRecord.summary(bytes: bytes)
            if let last = inputs.last, last.member >= input.member {
                throw .malformed(offset: start)
            }
            inputs.append(input)
        }
        adapterDigest = try reader.readDigest()
        let value = try reader.readDouble()
        let meanNorm = try reader.readDouble()
        try reader.finish()
        order = MixOrder(
            round: round, member: member, ownState: ownState, ownExampleCount: ownExampleCount,
            inputs: inputs, memberCount: memberCount)
        distance = ConsensusDistance(
            value: value, meanNorm: meanNorm, sampleCount: order.countedStateCount)
        signatures = []
    }

    /// Whether the signatures beside the record prove that each input was announced by its member.
    public func isProven(by evidence: [UInt8], manifest: Digest) -> Bool {
        let byteCount = PublicKey.signatureByteCount
        guard evidence.count == byteCount * order.inputs.count else { return false }
        return order.inputs.enumerated().allSatisfy { index, input in
            let signature = Array(evidence[index * byteCount..<(index + 1) * byteCount])
            return SignedAnnouncement(summary: input, signature: signature)
                .isValid(manifest: manifest)
        }
    }
}
