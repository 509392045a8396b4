public import Cryptography

/// A whole copy of a log: what one copy is compared with another by.
public struct LogCopy: Sendable {
    /// The log's key.
    public let key: NoteKey
    /// The newest head of the copy.
    public let head: SignedTreeHead
    /// The hashes below the head.
    public let tiles: MemoryTiles

    /// Why a copy is none of the log.
    public enum Failure: Error, Hashable, Sendable {
        /// The copy has another number of leaves than its head says.
        case size(stated: UInt64, found: UInt64)
        /// The leaves lead to another root than the head's.
        case root(signed: Digest, computed: Digest)
    }

    /// Takes leaf hashes and the head over them.
    ///
    /// - Throws: where they don't belong together.
    /// - Complexity: O(n) hashes.
    public init(
        key: NoteKey, head: SignedTreeHead, leafHashes: [Digest]
    ) throws(Failure) {
        guard head.head.size == UInt64(leafHashes.count) else {
            throw .size(stated: head.head.size, found: UInt64(leafHashes.count))
        }
        let computed = MerkleTree.root(of: leafHashes)
        guard computed == head.head.root else {
            throw .root(signed: head.head.root, computed: computed)
        }
        self.key = key
        self.head = head
        tiles = MemoryTiles(leafHashes: leafHashes)
    }

    /// The evidence that this copy and another are two histories of one log; nil where one begins
    /// with the other.
    ///
    /// - Complexity: O(log n) hashes, and 255 for each tile that is looked at.
    public func fork(from other: LogCopy) -> ForkEvidence? {
        var (own, others) = (ProofBuilder(tiles), ProofBuilder(other.tiles))
        do {
            guard
                let index = try Self.firstDifference(
                    &own, &others, min(tiles.size, other.tiles.size))
            else { return nil }
            return ForkEvidence(
                key: key, notes: (head.bytes, other.head.bytes),
                leaves: (
                    try Self.leaf(index, of: &own, size: tiles.size),
                    try Self.leaf(index, of: &others, size: other.tiles.size)
                ))
        } catch {
            preconditionFailure("tiles in memory are short: \(error)")
        }
    }

    /// The first leaf in which both logs' first `size` leaves differ; nil where none does.
    private static func firstDifference(
        _ left: inout ProofBuilder<MemoryTiles>, _ right: inout ProofBuilder<MemoryTiles>,
        _ size: UInt64
    ) throws(ProofBuilder<MemoryTiles>.Failure) -> UInt64? {
        guard try left.root(size: size) != right.root(size: size) else { return nil }
        var (low, high) = (UInt64(0), size)
        while high - low > 1 {
            let middle =
                low + (1 << UInt64(UInt64.bitWidth - 1 - (high - low - 1).leadingZeroBitCount))
            if try left.root(low, middle, in: size) != right.root(low, middle, in: size) {
                high = middle
            } else {
                low = middle
            }
        }
        return low
    }

    private static func leaf(
        _ index: UInt64, of proofs: inout ProofBuilder<MemoryTiles>, size: UInt64
    ) throws(ProofBuilder<MemoryTiles>.Failure) -> ForkEvidence.Leaf {
        ForkEvidence.Leaf(
            hash: try proofs.leafHash(index, size: size),
            proof: try proofs.inclusion(of: index, size: size))
    }
}
