public import Cryptography

/// Where a gossiping node stands, from its durable records alone: for whoever looks at a home while
/// the node runs or afterwards.
public struct GossipSnapshot: Hashable, Sendable {
    /// The round of the node's own adapter; 0 before the first.
    public let round: UInt64
    /// The rounds of a run, those without training among them.
    public let roundCount: UInt64
    /// The node's own adapter state.
    public let adapterDigest: ObjectID
    /// The examples behind it, in the mean.
    public let exampleCount: Int
    /// The estimate that the last mean of at least two states gave; `nil` before one.
    public let distance: ConsensusDistance?
    /// The members that the node knows, in ascending order.
    public let members: [PublicKey]
    /// The states that wait for the next mean.
    public let pendingCount: Int
    /// The members whose two states in one round are in the log.
    public let equivocators: [PublicKey]

    /// Whether the last round is over.
    public var isFinished: Bool { round >= roundCount }

    /// Reads the records of a node of that federation.
    ///
    /// - Throws: `RestoreError`, which means damage.
    public init(
        manifest: SignedManifest, records: [String: [UInt8]]
    ) throws(RestoreError) {
        let instance = try GossipInstance(
            restored: RestoredState(manifest: manifest, records: records),
            baseModelDigest: manifest.manifest.baseModelDigest, signer: NoSigner(),
            admission: AdmissionSetup(zeroSeconds: 0), now: Timestamp(milliseconds: 0))
        round = instance.progress.round
        roundCount = instance.roundCount
        adapterDigest = instance.progress.state
        exampleCount = instance.progress.exampleCount
        distance = instance.progress.distance
        members = instance.roster.members
        pendingCount = instance.inputs.count
        equivocators = instance.equivocators.sorted()
    }

    /// A snapshot says nothing and so signs nothing.
    private struct NoSigner: MessageSigner {
        var publicKey: PublicKey { preconditionFailure("a snapshot has no identity") }

        func signature(for message: [UInt8]) -> [UInt8] {
            preconditionFailure("a snapshot signs nothing")
        }
    }
}

/// What a gossiping node says of its own adapter when it gives it away: its word alone.
///
/// Signed bytes: `"starling/own-adapter/1\0" || manifest digest (32) || member (32) || round (8) ||
/// adapter (32)`.
public enum OwnAdapterStatement {
    /// The bytes that the node signs.
    public static func bytes(
        manifest: Digest, member: PublicKey, round: UInt64, adapter: ObjectID
    ) -> [UInt8] {
        var writer = CanonicalWriter(domain: "starling/own-adapter/1")
        writer.write(raw: manifest.bytes)
        writer.write(raw: member.bytes)
        writer.write(round)
        writer.write(raw: adapter.bytes)
        return writer.bytes
    }
}
