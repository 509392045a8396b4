public import Cryptography

/// Makes roots and proofs of a log out of its tiles.
///
/// Reads at most two tiles a level for a proof and keeps the last one of each level, so that proofs
/// of neighbouring entries are cheap.
public struct ProofBuilder<Source: TileSource> {
    /// Why a proof could not be made.
    public enum Failure: Error {
        /// The tiles could not be read.
        case source(Source.Failure)
        /// A tile holds another number of hashes than it must.
        case hashCount(LogTile, Int)
    }

    /// A tile with the hashes above it, up to its root where it is full.
    private struct Loaded {
        let tile: LogTile
        /// `rows[k]` holds the roots of the full subtrees of 2ᵏ of the tile's hashes.
        let rows: [[Digest]]
    }

    private let source: Source
    private var loaded: [Int: Loaded] = [:]

    /// Builds from these tiles.
    public init(_ source: Source) {
        self.source = source
    }

    /// The root of the log's first `size` leaves.
    ///
    /// - Complexity: O(log n) hashes, and 255 for each tile that is read.
    public mutating func root(size: UInt64) throws(Failure) -> Digest {
        guard size > 0 else { return MerkleTree().root }
        return try root(0, size, in: size)
    }

    /// The proof that the leaf at an index is in the tree of that size.
    ///
    /// `index` is below `size`.
    public mutating func inclusion(
        of index: UInt64, size: UInt64
    ) throws(Failure) -> InclusionProof {
        precondition(index < size, "leaf \(index) of \(size)")
        var hashes: [Digest] = []
        var (low, high) = (UInt64(0), size)
        while high - low > 1 {
            let middle = low + Self.leftCount(of: high - low)
            if index < middle {
                hashes.append(try root(middle, high, in: size))
                high = middle
            } else {
                hashes.append(try root(low, middle, in: size))
                low = middle
            }
        }
        return InclusionProof(index: index, treeSize: size, hashes: hashes.reversed())
    }

    /// The proof that the tree of the newer size is the older one with leaves appended.
    ///
    /// `older` is not above `newer`.
    public mutating func consistency(
        from older: UInt64, to newer: UInt64
    ) throws(Failure) -> ConsistencyProof {
        precondition(older <= newer, "from \(older) to \(newer)")
        var hashes: [Digest] = []
        if older > 0, older < newer {
            var (low, high) = (UInt64(0), newer)
            while high != older {
                let middle = low + Self.leftCount(of: high - low)
                if older <= middle {
                    hashes.append(try root(middle, high, in: newer))
                    high = middle
                } else {
                    hashes.append(try root(low, middle, in: newer))
                    low = middle
                }
            }
            // The whole older tree is not sent again; a part of it is.
            if low > 0 { hashes.append(try root(low, high, in: newer)) }
        }
        return ConsistencyProof(olderSize: older, newerSize: newer, hashes: hashes.reversed())
    }

    /// The hash of one leaf of a log of that size.
    public mutating func leafHash(_ index: UInt64, size: UInt64) throws(Failure) -> Digest {
        precondition(index < size, "leaf \(index) of \(size)")
        return try root(index, index + 1, in: size)
    }

    /// The root over the leaves from `low` up to `high`, which begin where a subtree does.
    mutating func root(
        _ low: UInt64, _ high: UInt64, in size: UInt64
    ) throws(Failure) -> Digest {
        let count = high - low
        guard count.nonzeroBitCount > 1 else {
            return try node(height: count.trailingZeroBitCount, low: low, in: size)
        }
        let middle = low + Self.leftCount(of: count)
        return MerkleTree.nodeHash(
            try root(low, middle, in: size), try root(middle, high, in: size))
    }

    /// The root of the full subtree of 2^height leaves from `low` on.
    private mutating func node(
        height: Int, low: UInt64, in size: UInt64
    ) throws(Failure) -> Digest {
        let bits = Int(LogTile.levelBitCount)
        // The root of a full tile stands in the tile above, but for the highest level.
        let level = min(height / bits, LogTile.levelMax)
        let place = low >> UInt64(level * bits)
        let index = place / LogTile.width
        let hashCount = size >> UInt64(level * bits)
        let count = Int(min(hashCount - index * LogTile.width, LogTile.width))
        let tile = try load(LogTile(level: level, index: index, count: count))
        let row = height - level * bits
        return tile.rows[row][Int(place % LogTile.width) >> row]
    }

    private mutating func load(_ tile: LogTile) throws(Failure) -> Loaded {
        if let found = loaded[tile.level], found.tile == tile { return found }
        let hashes: [Digest]
        do {
            hashes = try source.hashes(of: tile)
        } catch {
            throw .source(error)
        }
        guard hashes.count == tile.count else { throw .hashCount(tile, hashes.count) }
        var rows = [hashes]
        while let below = rows.last, below.count > 1 {
            rows.append(
                stride(from: 0, to: below.count - 1, by: 2).map {
                    MerkleTree.nodeHash(below[$0], below[$0 + 1])
                })
        }
        let result = Loaded(tile: tile, rows: rows)
        loaded[tile.level] = result
        return result
    }

    /// The greatest power of two below `count`, which is above 1.
    private static func leftCount(of count: UInt64) -> UInt64 {
        1 << UInt64(UInt64.bitWidth - 1 - (count - 1).leadingZeroBitCount)
    }
}
