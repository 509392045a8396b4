public import Cryptography
public import GossipLog

/// The stored tiles of the log, as its proofs read them.
///
/// Valid as long as the transaction that lends it. Full tiles of level 0 and all tiles above are
/// rows of their own; the hashes of a level 0 tile that is not full are made of its leaves.
public struct TileRows: TileSource {
    let raw: RawTransaction

    /// The key of a tile's row: its level (1), then its index (8).
    static func key(level: Int, index: UInt64) -> [UInt8] {
        [UInt8(level)] + BigEndian.bytes(index)
    }

    /// The hashes of a tile.
    ///
    /// - Throws: `.malformedRecord` for a row of broken hashes, `.logInconsistent` where the log
    ///   has fewer.
    public func hashes(of tile: LogTile) throws(StorageError) -> [Digest] {
        let stored = try row(level: tile.level, index: tile.index)
        if let stored, stored.count >= tile.count { return Array(stored.prefix(tile.count)) }
        guard tile.level == 0 else {
            throw .logInconsistent(frontierSize: UInt64(tile.count), leafCount: 0)
        }
        return try leafHashes(from: tile.index * LogTile.width, count: tile.count)
    }

    /// The hashes of a stored row; nil if there is none.
    func row(level: Int, index: UInt64) throws(StorageError) -> [Digest]? {
        let key = Self.key(level: level, index: index)
        guard let bytes = try raw.value(in: StateTables.logTiles, key: key) else { return nil }
        guard let hashes = Digest.all(in: bytes) else {
            throw .malformedRecord(table: StateTables.logTiles.name, key: key)
        }
        return hashes
    }

    func leafHashes(from start: UInt64, count: Int) throws(StorageError) -> [Digest] {
        var hashes: [Digest] = []
        hashes.reserveCapacity(count)
        unsafe try raw.forEach(
            in: StateTables.logLeaves, from: BigEndian.bytes(start)
        ) { (_, value) throws(StorageError) in
            guard hashes.count < count else { return false }
            unsafe hashes.append(MerkleTree.leafHash(Array(value)))
            return hashes.count < count
        }
        guard hashes.count == count else {
            throw .logInconsistent(
                frontierSize: start + UInt64(count), leafCount: start + UInt64(hashes.count))
        }
        return hashes
    }
}

extension StateReading where Self: ~Copyable {
    /// What proofs of the node's own log are made of.
    public var logTiles: TileRows { TileRows(raw: raw) }
}

extension WriteTransaction {
    /// Stores the tiles that the log's last leaf filled: its own, and what grows above it.
    ///
    /// `size` is a multiple of 256.
    func fillTiles(size: UInt64) throws(StorageError) {
        var index = size / LogTile.width - 1
        var hashes = try logTiles.leafHashes(
            from: index * LogTile.width, count: Int(LogTile.width))
        try put(hashes, level: 0, index: index)
        for level in 1...LogTile.levelMax {
            let root = MerkleTree.root(of: hashes)
            let place = index % LogTile.width
            index /= LogTile.width
            hashes = place == 0 ? [] : try logTiles.row(level: level, index: index) ?? []
            guard hashes.count == place else {
                throw .logInconsistent(frontierSize: place, leafCount: UInt64(hashes.count))
            }
            hashes.append(root)
            try put(hashes, level: level, index: index)
            guard hashes.count == Int(LogTile.width) else { return }
        }
    }

    /// Stores the tiles of a log that was begun before there were any.
    func fillMissingTiles(size: UInt64) throws(StorageError) {
        guard size >= LogTile.width, try raw.count(of: StateTables.logTiles) == 0 else { return }
        for full in stride(from: LogTile.width, through: size, by: Int(LogTile.width)) {
            try fillTiles(size: full)
        }
    }

    private func put(
        _ hashes: [Digest], level: Int, index: UInt64
    ) throws(StorageError) {
        try put(
            hashes.flatMap(\.bytes), in: StateTables.logTiles,
            key: TileRows.key(level: level, index: index))
    }
}
