internal import Cryptography
internal import LibP2P
internal import Storage

/// What the sums of secure rounds were opened from: an object a round, which goes when the round's
/// updates would.
///
/// A setting for each says which it is; the log says so too, and is what an audit believes.
extension NodeStore {
    private static let transcriptPrefix = "secure-transcript/"

    /// Stores a round's transcript and notes which object it is, in one transaction.
    func storeTranscript(_ bytes: [UInt8], round: UInt64) throws(NodeError) {
        let manifest: ObjectManifest
        do {
            manifest = try ObjectManifest(cutting: bytes)
        } catch {
            throw NodeError(
                .storage, "A transcript of \(bytes.count) bytes can't be stored.", cause: error)
        }
        try write { (transaction) throws(StorageError) in
            _ = try transaction.putObject(
                bytes, manifest: manifest.bytes, id: manifest.objectID.bytes)
            try transaction.putSetting(Self.transcriptKey(round), manifest.objectID.bytes)
        }
    }

    /// Drops the transcripts up to a round.
    func dropTranscripts(through limit: UInt64) throws(NodeError) {
        let rows = try read { (transaction) throws(StorageError) in
            try transaction.settings(prefix: Self.transcriptPrefix)
        }
        let outdated = rows.filter { row in
            UInt64(row.key.dropFirst(Self.transcriptPrefix.count)).map { $0 <= limit } ?? true
        }
        guard !outdated.isEmpty else { return }
        try write { (transaction) throws(StorageError) in
            for row in outdated {
                try transaction.deleteObject(row.bytes)
                try transaction.deleteSettings(prefix: row.key)
            }
        }
    }

    /// All keys have the same length, so that none begins with another.
    private static func transcriptKey(_ round: UInt64) -> String {
        let digits = String(round)
        return transcriptPrefix + String(repeating: "0", count: 20 - digits.count) + digits
    }
}
