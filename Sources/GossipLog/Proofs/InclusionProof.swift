public import Cryptography

/// Shows that a leaf stands at an index of a tree.
///
/// Source: RFC 9162 section 2.1.3.
public struct InclusionProof: Hashable, Sendable {
    /// The index of the leaf, from 0.
    public let index: UInt64
    /// The number of leaves of the tree.
    public let treeSize: UInt64
    /// The siblings from the leaf upwards.
    public let hashes: [Digest]

    /// Takes the parts of a proof as they were received.
    public init(index: UInt64, treeSize: UInt64, hashes: [Digest]) {
        self.index = index
        self.treeSize = treeSize
        self.hashes = hashes
    }

    /// Makes the proof for one leaf out of all leaf hashes of the tree.
    ///
    /// `index` is below the count of the hashes.
    /// - Complexity: O(n) hashes.
    public init(index: Int, leafHashes: [Digest]) {
        precondition(leafHashes.indices.contains(index), "leaf \(index) of \(leafHashes.count)")
        self.index = UInt64(index)
        treeSize = UInt64(leafHashes.count)
        hashes = Self.path(to: index, in: leafHashes[...])
    }

    private static func path(to index: Int, in leaves: ArraySlice<Digest>) -> [Digest] {
        guard leaves.count > 1 else { return [] }
        let split = leaves.startIndex + MerkleTree.leftCount(of: leaves.count)
        let left = leaves[..<split]
        let right = leaves[split...]
        return index < split
            ? path(to: index, in: left) + [MerkleTree.root(of: right)]
            : path(to: index, in: right) + [MerkleTree.root(of: left)]
    }

    /// Checks that the leaf with this hash belongs to the tree with this root.
    ///
    /// - Throws: the first reason found.
    /// - Complexity: O(log n) hashes.
    public func verify(leafHash: Digest, root: Digest) throws(ProofError) {
        guard index < treeSize else {
            throw .indexBeyondSize(index: index, size: treeSize)
        }
        var position = index
        var last = treeSize - 1
        var computed = leafHash
        for sibling in hashes {
            guard last > 0 else { throw .hashCount(hashes.count) }
            if position & 1 == 1 || position == last {
                computed = MerkleTree.nodeHash(sibling, computed)
                while position & 1 == 0, position > 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                computed = MerkleTree.nodeHash(computed, sibling)
            }
            position >>= 1
            last >>= 1
        }
        guard last == 0 else { throw .hashCount(hashes.count) }
        guard computed == root else {
            throw .rootMismatch(expected: root, computed: computed)
        }
    }
}

extension MerkleTree {
    /// The leaves below the left child of a root over `count` > 1 leaves: the greatest power of
    /// two that is smaller than `count`.
    static func leftCount(of count: Int) -> Int {
        1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
    }
}
