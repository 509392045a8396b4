public import Cryptography
public import Tensors

/// A rule that makes one adapter of a base and the updates of a round.
///
/// Every node that applies it to the same updates gets the same bytes.
public protocol Aggregator: Sendable {
    /// The name in ``AggregatorRegistry``.
    static var name: String { get }
    /// Starts a sum over the tensors of a base adapter.
    init(manifest: Manifest, layout: AdapterLayout)
    /// Adds an update that passed ``UpdateInspector``; the order does not matter.
    ///
    /// - Throws: the reason if it does not fit after all; the sum is then as before.
    mutating func add(_ update: AdapterUpdate) throws(RejectReason)
    /// The digest of the exact sums, and the new adapter.
    ///
    /// - Throws: `updateNonFinite` if the base or the outcome holds a value that is not finite.
    func finish(base: NamedTensors) throws(RejectReason) -> Aggregate
}

/// What an aggregator made.
public struct Aggregate: Hashable, Sendable {
    /// The digest of the exact sums and weights.
    public let sumDigest: Digest
    /// The new adapter.
    public let adapter: NamedTensors

    /// Pairs digest and adapter.
    public init(sumDigest: Digest, adapter: NamedTensors) {
        self.sumDigest = sumDigest
        self.adapter = adapter
    }
}
