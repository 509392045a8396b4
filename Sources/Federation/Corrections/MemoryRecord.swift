public import Cryptography
internal import Tensors

/// What a member writes down of a round when its update is made.
///
/// Together with the chain it says what the member keeps for every later round: if the update became
/// part of the round's entry, ``memory`` and the update, by ``AggregationRound/remember(_:own:from:to:)``;
/// if not, it is as if the round had not been. Written with the update and before it is
/// announced, so that nobody ever has the one without the other.
///
/// Bytes: `"starling/memory/1\0"`, round (8), base adapter (32), update (32), rate sum (8), feedback
/// (length 4, an adapter state, empty for zeros), control variate (the same).
public struct MemoryRecord: Hashable, Sendable {
    fileprivate static let domain: StaticString = "starling/memory/1"

    /// The round.
    public let round: UInt64
    /// The adapter that training started from.
    public let baseAdapterDigest: ObjectID
    /// The update that was made.
    public let updateID: ObjectID
    /// The learning rates of the update's steps together.
    public let rateSum: Double
    /// The feedback that the update left and the control variate that it was trained with.
    public let memory: AggregationRound.Memory

    /// What of a record can be read without the adapter's layout.
    public struct Header: Hashable, Sendable {
        /// The round.
        public let round: UInt64
        /// The adapter that training started from.
        public let baseAdapterDigest: ObjectID
        /// The update that was made.
        public let updateID: ObjectID

        /// Reads the beginning of a record.
        ///
        /// - Throws: `CanonicalError` for bytes that are none.
        public init(bytes: [UInt8]) throws(CanonicalError) {
            var reader = try CanonicalReader(bytes, domain: MemoryRecord.domain)
            try self.init(reading: &reader)
        }

        fileprivate init(reading reader: inout CanonicalReader) throws(CanonicalError) {
            round = try reader.read()
            baseAdapterDigest = try reader.readDigest()
            updateID = try reader.readDigest()
        }
    }

    /// Collects the fields.
    public init(
        round: UInt64, baseAdapterDigest: ObjectID, updateID: ObjectID, rateSum: Double,
        memory: AggregationRound.Memory
    ) {
        self.round = round
        self.baseAdapterDigest = baseAdapterDigest
        self.updateID = updateID
        self.rateSum = rateSum
        self.memory = memory
    }

    /// The record in bytes.
    public var bytes: [UInt8] {
        var writer = CanonicalWriter(domain: Self.domain)
        writer.write(round)
        writer.write(raw: baseAdapterDigest.bytes)
        writer.write(raw: updateID.bytes)
        writer.write(rateSum)
        for tensors in [memory.feedback.residual, memory.control.correction] {
            let isZero = tensors.elements.allSatisfy { $0.tensor.values.allSatisfy { $0 == 0 } }
            writer.write(prefixed: isZero ? [] : AdapterStateCodec.encode(tensors))
        }
        return writer.bytes
    }

    /// Reads a record of a member of that adapter.
    ///
    /// - Throws: `CanonicalError` for bytes that are none.
    public init(bytes: [UInt8], layout: AdapterLayout) throws(CanonicalError) {
        var reader = try CanonicalReader(bytes, domain: Self.domain)
        let header = try Header(reading: &reader)
        round = header.round
        baseAdapterDigest = header.baseAdapterDigest
        updateID = header.updateID
        rateSum = try reader.readDouble()
        var parts: [NamedTensors] = []
        for _ in 0..<2 {
            let part = try reader.readPrefixed(max: Int(UInt32.max))
            parts.append(
                part.isEmpty
                    ? .zeros(of: layout) : try AdapterStateCodec.decode(part, layout: layout))
        }
        try reader.finish()
        memory = AggregationRound.Memory(
            feedback: ErrorFeedback(residual: parts[0]),
            control: ControlVariate(correction: parts[1]))
    }
}
