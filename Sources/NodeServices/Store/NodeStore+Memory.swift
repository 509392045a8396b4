internal import Cryptography
internal import Federation
internal import LibP2P
internal import Storage

/// What the node keeps of its own between rounds: one record for each of the last rounds that its
/// memory can still come from.
///
/// A record lies among the settings in pieces, whose keys count rounds and pieces in decimal.
extension NodeStore {
    private static let memoryPrefix = "memory/"
    private static let pieceByteCount = 256 << 10

    /// Stores an update and, in the same transaction, what the node writes down with it; older
    /// records go but for one.
    func storeUpdate(
        _ bytes: [UInt8], record: MemoryRecord?, keeping source: UInt64?
    ) throws(NodeError) {
        guard let record else {
            try storeObject(bytes)
            return
        }
        let manifest: ObjectManifest
        do {
            manifest = try ObjectManifest(cutting: bytes)
        } catch {
            throw NodeError(
                .storage, "An update of \(bytes.count) bytes can't be stored.", cause: error)
        }
        let doomed = try memoryHeaders().map(\.round).filter { $0 != source }
        let recordBytes = record.bytes
        try write { (transaction) throws(StorageError) in
            _ = try transaction.putObject(
                bytes, manifest: manifest.bytes, id: manifest.objectID.bytes)
            for round in doomed {
                try transaction.deleteSettings(prefix: Self.memoryPrefix(of: round))
            }
            let prefix = Self.memoryPrefix(of: record.round)
            var piece = 0
            for start in stride(from: 0, to: recordBytes.count, by: Self.pieceByteCount) {
                let end = min(start + Self.pieceByteCount, recordBytes.count)
                try transaction.putSetting(
                    prefix + Self.digits(UInt64(piece), count: 8),
                    Array(recordBytes[start..<end]))
                piece += 1
            }
        }
    }

    /// The heads of the records, the newest first; one that can't be read is left out.
    func memoryHeaders() throws(NodeError) -> [MemoryRecord.Header] {
        let first = Self.digits(0, count: 8)
        let rows = try read { (transaction) throws(StorageError) in
            try transaction.settings(prefix: Self.memoryPrefix).filter {
                $0.key.hasSuffix("/" + first)
            }
        }
        return rows.compactMap { try? MemoryRecord.Header(bytes: $0.bytes) }
            .sorted { $0.round > $1.round }
    }

    /// The bytes of a round's record; nil if there is none.
    func memoryRecord(of round: UInt64) throws(NodeError) -> [UInt8]? {
        let rows = try read { (transaction) throws(StorageError) in
            try transaction.settings(prefix: Self.memoryPrefix(of: round))
        }
        return rows.isEmpty ? nil : rows.flatMap(\.bytes)
    }

    /// The certified entry of a round; nil where there is none.
    ///
    /// - Complexity: O(n) in the entries above it, for rounds ascend with the heights.
    func entry(ofRound round: UInt64) throws(NodeError) -> CertifiedEntry? {
        let last = try read { (transaction) throws(StorageError) in
            try transaction.lastEntryHeight()
        }
        var height = last ?? 0
        while height > 0 {
            let current = height
            let bytes = try read { (transaction) throws(StorageError) in
                try transaction.entry(height: current)
            }
            guard let bytes else { return nil }
            let entry: CertifiedEntry
            do {
                entry = try CertifiedEntry(bytes: bytes)
            } catch {
                throw NodeError(
                    .verificationFailed, "The stored entry \(current) can't be read.", cause: error)
            }
            if entry.proposal.round == round { return entry }
            // A change of membership has round 0.
            guard entry.proposal.round == 0 || entry.proposal.round > round else { return nil }
            height -= 1
        }
        return nil
    }

    private static func memoryPrefix(of round: UInt64) -> String {
        memoryPrefix + digits(round, count: 20) + "/"
    }

    /// A number whose text sorts as it does.
    private static func digits(_ number: UInt64, count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(count - text.count, 0)) + text
    }
}
