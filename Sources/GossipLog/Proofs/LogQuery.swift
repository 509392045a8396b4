public import Cryptography

/// What anybody may ask a node about its log.
///
/// The text is a word and its numbers, parted by spaces.
public enum LogQuery: Hashable, Sendable {
    /// `head`: the note of the newest tree head; nothing for a log without entries.
    case head
    /// `seen KEY`: the note of the last head that the node cosigned for that member's log, with the
    /// key in hexadecimal; nothing before any.
    case seen(PublicKey)
    /// `consistency OLDER NEWER`: the hashes of the proof, one behind the other.
    case consistency(older: UInt64, newer: UInt64)
    /// `leaf INDEX SIZE`: the hash of the leaf, then those of its proof.
    case leaf(index: UInt64, size: UInt64)

    /// The longest text.
    public static let byteCountMax = 128

    /// The text.
    public var bytes: [UInt8] {
        switch self {
        case .head: Array("head".utf8)
        case .seen(let member): Array("seen \(member)".utf8)
        case .consistency(let older, let newer): Array("consistency \(older) \(newer)".utf8)
        case .leaf(let index, let size): Array("leaf \(index) \(size)".utf8)
        }
    }

    /// Reads a text; nil if it is no query.
    public init?(bytes: [UInt8]) {
        guard bytes.count <= Self.byteCountMax,
            let text = String(validating: bytes, as: UTF8.self)
        else { return nil }
        let parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        switch (parts.first, parts.count) {
        case ("head", 1): self = .head
        case ("seen", 2):
            guard let bytes = Hexadecimal.decode(parts[1]), let key = PublicKey(bytes: bytes)
            else { return nil }
            self = .seen(key)
        case ("consistency", 3):
            guard let older = UInt64(parts[1]), let newer = UInt64(parts[2]), older <= newer
            else { return nil }
            self = .consistency(older: older, newer: newer)
        case ("leaf", 3):
            guard let index = UInt64(parts[1]), let size = UInt64(parts[2]), index < size
            else { return nil }
            self = .leaf(index: index, size: size)
        default: return nil
        }
    }

    /// The most hashes of an answer: a leaf's and the 64 of the longest proof.
    public static let hashCountMax = 65

    /// The hashes of an answer; nil where it holds no whole number of them, or too many.
    public static func hashes(in answer: [UInt8]) -> [Digest]? {
        guard answer.count <= hashCountMax * Digest.byteCount else { return nil }
        return Digest.all(in: answer)
    }
}
