internal import Cryptography
internal import GossipLog

/// Compares the stored tiles with the hashes of the leaves as an audit passes over them.
struct TileAudit {
    /// Whether the store has tiles; one of an earlier version may not.
    private let hasTiles: Bool
    /// The hashes of each level's last tile, as far as they are.
    private var last: [[Digest]] = [[]]
    private var size: UInt64 = 0

    init(raw: RawTransaction) throws(StorageError) {
        hasTiles = try raw.count(of: StateTables.logTiles) > 0
    }

    /// Takes the next leaf's hash, and returns what is wrong with a tile that it fills.
    mutating func append(
        _ leafHash: Digest, comparingWith tiles: TileRows
    ) throws(StorageError) -> AuditFailure? {
        guard hasTiles else { return nil }
        size += 1
        last[0].append(leafHash)
        var level = 0
        while last[level].count == Int(LogTile.width) {
            if let failure = try compare(level, with: tiles) { return failure }
            let root = MerkleTree.root(of: last[level])
            last[level] = []
            level += 1
            if last.count == level { last.append([]) }
            last[level].append(root)
        }
        return nil
    }

    /// Compares the tiles above level 0 that are not full, when the last leaf is done.
    func finish(comparingWith tiles: TileRows) throws(StorageError) -> AuditFailure? {
        guard hasTiles else { return nil }
        for level in last.indices.dropFirst() where !last[level].isEmpty {
            if let failure = try compare(level, with: tiles) { return failure }
        }
        return nil
    }

    private func compare(
        _ level: Int, with tiles: TileRows
    ) throws(StorageError) -> AuditFailure? {
        let hashes = last[level]
        let bits = UInt64(level) * LogTile.levelBitCount
        let first = (size >> bits) - UInt64(hashes.count)
        let tile = LogTile(level: level, index: first / LogTile.width, count: hashes.count)
        var stored: [Digest]?
        do {
            stored = try tiles.row(level: level, index: tile.index)
        } catch {
            guard case .malformedRecord = error else { throw error }
        }
        guard stored != hashes else { return nil }
        let offset = zip(stored ?? [], hashes).enumerated().first { $1.0 != $1.1 }?.offset
        let place = offset ?? (stored == nil ? 0 : min(stored?.count ?? 0, hashes.count - 1))
        return AuditFailure(
            entryIndex: (first + UInt64(place)) << bits, reason: .tileMismatch(tile))
    }
}
