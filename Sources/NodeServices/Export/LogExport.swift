internal import Cryptography
internal import Foundation
internal import GossipLog
internal import Storage

/// Writes a node's log as a folder that any reader of the tiles format understands: `checkpoint`,
/// `tile/` and `tile/entries/`.
///
/// The folder can be served as it is. Source: C2SP tlog-tiles.
public enum LogExport {
    /// What was written.
    public struct Report: Sendable {
        /// The log's key in its text form, for whoever verifies the folder.
        public let key: String
        /// The entries.
        public let entryCount: UInt64
        /// The cosignatures under the head.
        public let cosignatureCount: Int
    }

    /// A tile with the leaves below it, where it is of level 0.
    private struct Part: Sendable {
        let tile: LogTile
        let hashes: [UInt8]
        let entries: [UInt8]?
    }

    /// Writes the log of a home to a folder where nothing is yet; it appears complete or not at all.
    ///
    /// - Throws: ``NodeError``: `notFound` for a home without a log, `invalidInput` where something
    ///   is at the path already, `storage`.
    public static func write(home: NodeHome, to path: String) async throws(NodeError) -> Report {
        let log = try await StoredLog.open(home: home)
        guard let note = try await log.store.publishedTreeHead() else {
            throw NodeError(.notFound, "The log of \(home.folder.path) has no entries yet.")
        }
        let head = try log.treeHead(note)
        let target = URL(filePath: path).standardizedFileURL
        let files = FileManager.default
        guard !files.fileExists(atPath: target.path) else {
            throw NodeError(.invalidInput, "\(path) is there already; choose another folder.")
        }
        let temporary = target.deletingLastPathComponent()
            .appending(path: ".\(target.lastPathComponent).\(UUID().uuidString)")
        do {
            for tile in LogTile.all(ofSize: head.head.size) {
                let part = try await part(tile, of: log.store)
                try write(part.hashes, to: temporary.appending(path: tile.path))
                if let entries = part.entries {
                    try write(entries, to: temporary.appending(path: tile.entriesPath))
                }
            }
            // Last: a reader that finds it finds what it is about.
            try write(note, to: temporary.appending(path: "checkpoint"))
            try files.moveItem(at: temporary, to: target)
        } catch {
            try? files.removeItem(at: temporary)
            if let error = error as? NodeError { throw error }
            throw NodeError(.storage, "The log can't be written to \(path).", cause: error)
        }
        return Report(
            key: log.key.description, entryCount: head.head.size,
            cosignatureCount: head.note.signatures.count - 1)
    }

    private static func part(
        _ tile: LogTile, of store: NodeStore
    ) async throws(NodeError) -> Part {
        try await store.read { (transaction) throws(StorageError) in
            let hashes = try transaction.logTiles.hashes(of: tile).flatMap(\.bytes)
            guard tile.level == 0 else { return Part(tile: tile, hashes: hashes, entries: nil) }
            let leaves = try transaction.logLeaves(
                from: tile.index * LogTile.width, countMax: tile.count)
            return Part(tile: tile, hashes: hashes, entries: EntryBundle.bytes(of: leaves))
        }
    }

    private static func write(_ bytes: [UInt8], to place: URL) throws {
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: place)
    }
}
