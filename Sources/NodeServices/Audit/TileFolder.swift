internal import Checkpoints
internal import Cryptography
internal import Federation
internal import GossipLog

/// A log as a folder of tiles, which anybody may have written.
struct TileFolder {
    let path: String

    /// The note of the head.
    static let checkpointName = "checkpoint"

    /// Whether a folder looks like one.
    static func exists(at path: String) -> Bool {
        (try? FileSystem.kind(of: FileSystem.join(path, checkpointName))) == .plainFile
    }

    /// Reads all leaves, compares them with the tiles, and both with the head that a member signed.
    ///
    /// - Throws: ``NodeError``: `verificationFailed` with the first bad entry, `storage` where a
    ///   file can't be read.
    func copy(manifest: SignedManifest) throws(NodeError) -> (member: PublicKey, copy: LogCopy) {
        let note = try read(Self.checkpointName, byteCountMax: SignedNote.byteCountMax)
        guard let text = try? SignedNote(bytes: note).text, let head = try? TreeHead(text: text),
            let member = NodeLog.member(origin: head.origin)
        else { throw refused("its checkpoint is that of no member's log") }
        let key = try NodeLog.key(manifest: manifest, member: member)
        let signed: SignedTreeHead
        do {
            signed = try SignedTreeHead(bytes: note, key: key)
        } catch {
            throw refused("its checkpoint is not signed by the log: \(error)")
        }
        var hashes: [Digest] = []
        var index: UInt64 = 0
        // Tile by tile, so that a size that nobody has files for ends at the first one missing.
        while index * LogTile.width < head.size {
            let count = min(head.size - index * LogTile.width, LogTile.width)
            hashes += try leafHashes(below: LogTile(level: 0, index: index, count: Int(count)))
            index += 1
        }
        do {
            return (member, try LogCopy(key: key, head: signed, leafHashes: hashes))
        } catch {
            throw refused("its entries are not those of its checkpoint: \(error)")
        }
    }

    private func leafHashes(below tile: LogTile) throws(NodeError) -> [Digest] {
        let first = tile.index * LogTile.width
        let bundle = try read(tile.entriesPath, byteCountMax: EntryBundle.byteCountMax)
        let row = try read(tile.path, byteCountMax: tile.count * Digest.byteCount)
        guard let leaves = EntryBundle.leaves(in: bundle), leaves.count == tile.count,
            let stored = Digest.all(in: row), stored.count == tile.count
        else { throw refused("entry \(first): \(tile.entriesPath) or its tile is cut off") }
        let hashes = leaves.map(MerkleTree.leafHash)
        if let place = zip(hashes, stored).enumerated().first(where: { $0.1.0 != $0.1.1 })?.offset {
            throw refused(
                "entry \(first + UInt64(place)): \(tile.entriesPath) is not what \(tile.path) says")
        }
        return hashes
    }

    private func read(_ name: String, byteCountMax: Int) throws(NodeError) -> [UInt8] {
        do {
            return try FileSystem.read(
                FileSystem.join(path, name), byteCountMax: byteCountMax)
        } catch {
            throw NodeError(.storage, "\(path)/\(name) can't be read.", cause: error)
        }
    }

    private func refused(_ reason: String) -> NodeError {
        NodeError(.verificationFailed, "The log in \(path) does not hold: \(reason).")
    }
}
