internal import Cryptography
internal import GossipLog

/// A row of the table of tree heads: the note behind a checksum, so that an audit sees a changed
/// byte without checking every signature.
///
/// A byte 0x01, the first 8 bytes of the note's SHA-256, the note. Rows of earlier versions are the
/// note alone, which has no control character in front.
enum TreeHeadRow {
    private static let mark: UInt8 = 1
    private static let checksumByteCount = 8

    static func bytes(note: [UInt8]) -> [UInt8] {
        [mark] + checksum(of: note) + note
    }

    /// The note, and whether the checksum fits.
    static func note(_ row: [UInt8]) -> (bytes: [UInt8], checksum: LogAuditor.Item.Checksum) {
        guard row.first == mark, row.count > checksumByteCount else { return (row, .none) }
        let note = Array(row.dropFirst(1 + checksumByteCount))
        let isWhole = row[1...checksumByteCount].elementsEqual(checksum(of: note))
        return (note, isWhole ? .holds : .fails)
    }

    private static func checksum(of note: [UInt8]) -> ArraySlice<UInt8> {
        Hashing.sha256(note).bytes.prefix(checksumByteCount)
    }
}
