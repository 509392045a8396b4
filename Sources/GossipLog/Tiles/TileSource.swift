public import Cryptography

/// Where the hashes of a log's tree are read: a store, or a copy that somebody published.
///
/// What it gives is not trusted; only proofs and roots made of it are.
public protocol TileSource {
    /// Why hashes could not be read.
    associatedtype Failure: Error

    /// The hashes of a tile, in order; exactly `tile.count` of them.
    func hashes(of tile: LogTile) throws(Failure) -> [Digest]
}

/// Tiles in memory, for logs that are small or were read whole.
public struct MemoryTiles: TileSource, Sendable {
    /// The hashes of level 0, then of each level above as far as there are full tiles.
    private var levels: [[Digest]] = [[]]

    /// Starts with no leaves.
    public init() {}

    /// Takes all leaf hashes of a log.
    ///
    /// - Complexity: O(n) hashes.
    public init(leafHashes: some Sequence<Digest>) {
        for hash in leafHashes { append(leafHash: hash) }
    }

    /// The number of leaves.
    public var size: UInt64 { UInt64(levels[0].count) }

    /// Appends a leaf by its hash.
    ///
    /// - Complexity: O(1) hashes on average.
    public mutating func append(leafHash: Digest) {
        var hash = leafHash
        var level = 0
        while true {
            if levels.count == level { levels.append([]) }
            levels[level].append(hash)
            guard levels[level].count.isMultiple(of: Int(LogTile.width)) else { return }
            hash = MerkleTree.root(of: levels[level].suffix(Int(LogTile.width)))
            level += 1
        }
    }

    /// The hashes of a tile; fewer where the log has fewer.
    public func hashes(of tile: LogTile) throws(Never) -> [Digest] {
        guard levels.indices.contains(tile.level),
            let start = Int(exactly: tile.index).map({ $0 * Int(LogTile.width) })
        else { return [] }
        return Array(levels[tile.level].dropFirst(start).prefix(tile.count))
    }
}
