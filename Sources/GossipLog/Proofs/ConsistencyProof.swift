public import Cryptography

/// Shows that a tree is another one with leaves appended.
///
/// Source: RFC 9162 section 2.1.4.
/// ### Deviations
/// An empty older tree, which the source leaves undefined, is consistent with every tree and has a
/// proof without hashes.
public struct ConsistencyProof: Hashable, Sendable {
    /// The number of leaves of the older tree.
    public let olderSize: UInt64
    /// The number of leaves of the newer tree.
    public let newerSize: UInt64
    /// The hashes from the bottom upwards.
    public let hashes: [Digest]

    /// Takes the parts of a proof as they were received.
    public init(olderSize: UInt64, newerSize: UInt64, hashes: [Digest]) {
        self.olderSize = olderSize
        self.newerSize = newerSize
        self.hashes = hashes
    }

    /// Makes the proof from the first `olderCount` of these leaf hashes to all of them.
    ///
    /// - Complexity: O(n) hashes.
    public init(olderCount: Int, leafHashes: [Digest]) {
        precondition(
            (0...leafHashes.count).contains(olderCount), "\(olderCount) of \(leafHashes.count)"
        )
        olderSize = UInt64(olderCount)
        newerSize = UInt64(leafHashes.count)
        hashes =
            olderCount == 0
            ? [] : Self.subproof(olderCount, leafHashes[...], isWholeOlderTree: true)
    }

    private static func subproof(
        _ olderCount: Int, _ leaves: ArraySlice<Digest>, isWholeOlderTree: Bool
    ) -> [Digest] {
        guard olderCount < leaves.count else {
            return isWholeOlderTree ? [] : [MerkleTree.root(of: leaves)]
        }
        let leftCount = MerkleTree.leftCount(of: leaves.count)
        let left = leaves.prefix(leftCount)
        let right = leaves.dropFirst(leftCount)
        if olderCount <= leftCount {
            return subproof(olderCount, left, isWholeOlderTree: isWholeOlderTree)
                + [MerkleTree.root(of: right)]
        }
        return subproof(olderCount - leftCount, right, isWholeOlderTree: false)
            + [MerkleTree.root(of: left)]
    }

    /// Checks that the tree with the newer root begins with the leaves of the older one.
    ///
    /// - Throws: the first reason found.
    /// - Complexity: O(log n) hashes.
    public func verify(olderRoot: Digest, newerRoot: Digest) throws(ProofError) {
        guard olderSize <= newerSize else {
            throw .sizesOutOfOrder(older: olderSize, newer: newerSize)
        }
        if olderSize == 0 || olderSize == newerSize {
            try verifyWithoutHashes(olderRoot: olderRoot, newerRoot: newerRoot)
            return
        }
        // A full older tree is a node of the newer one, and its root is not sent again.
        let path = olderSize.nonzeroBitCount == 1 ? [olderRoot] + hashes : hashes
        guard let first = path.first, !hashes.isEmpty else { throw .hashCount(hashes.count) }
        let shift = (olderSize - 1).trailingOneBitCount
        var position = (olderSize - 1) >> shift
        var last = (newerSize - 1) >> shift
        var older = first
        var newer = first
        for hash in path.dropFirst() {
            guard last > 0 else { throw .hashCount(hashes.count) }
            if position & 1 == 1 || position == last {
                older = MerkleTree.nodeHash(hash, older)
                newer = MerkleTree.nodeHash(hash, newer)
                while position & 1 == 0, position > 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                newer = MerkleTree.nodeHash(newer, hash)
            }
            position >>= 1
            last >>= 1
        }
        guard last == 0 else { throw .hashCount(hashes.count) }
        guard older == olderRoot else {
            throw .olderRootMismatch(expected: olderRoot, computed: older)
        }
        guard newer == newerRoot else {
            throw .rootMismatch(expected: newerRoot, computed: newer)
        }
    }

    private func verifyWithoutHashes(
        olderRoot: Digest, newerRoot: Digest
    ) throws(ProofError) {
        guard hashes.isEmpty else { throw .hashCount(hashes.count) }
        let empty = MerkleTree().root
        if olderSize == 0, olderRoot != empty {
            throw .olderRootMismatch(expected: olderRoot, computed: empty)
        }
        if olderSize == newerSize, olderRoot != newerRoot {
            throw .rootMismatch(expected: newerRoot, computed: olderRoot)
        }
    }
}

extension UInt64 {
    fileprivate var trailingOneBitCount: Int { (~self).trailingZeroBitCount }
}
