internal import Cryptography

/// Words on their way: a shard of a masked vector to its owner, a shard's sum to everyone, or a
/// shard that an owner shows to one who audits it.
///
/// Kind (1), group (32), shard (2), contributor (2, zero for a sum), words (4 each), all
/// little-endian. It carries no signature: the words must have the hash that a mask commit or a
/// partial's statement signed, and nothing else of it counts.
struct SecureDataFrame: Hashable, Sendable {
    enum Kind: UInt8, Hashable, Sendable {
        case maskedShard = 32
        case partialSum = 33
        case auditedShard = 34
    }

    static let headByteCount = 37

    let kind: Kind
    let group: [UInt8]
    let shard: Int
    let contributor: Int
    let words: [UInt32]

    init(_ kind: Kind, group: [UInt8], shard: Int, contributor: Int, words: [UInt32]) {
        self.kind = kind
        self.group = group
        self.shard = shard
        self.contributor = contributor
        self.words = words
    }

    /// Reads words, no more than that many.
    init(bytes: [UInt8], wordCountMax: Int) throws(SecureRefusal) {
        guard bytes.count >= Self.headByteCount, let kind = Kind(rawValue: bytes[0]),
            (bytes.count - Self.headByteCount).isMultiple(of: 4)
        else { throw .malformed }
        let count = (bytes.count - Self.headByteCount) / 4
        guard count <= wordCountMax else { throw .tooLong }
        self.kind = kind
        group = Array(bytes[1..<33])
        shard = Int(bytes[33]) | Int(bytes[34]) << 8
        contributor = Int(bytes[35]) | Int(bytes[36]) << 8
        words = Self.words(of: bytes, from: Self.headByteCount, count: count)
    }

    /// The bytes as they travel.
    var bytes: [UInt8] {
        var writer = CanonicalWriter(byteCountHint: Self.headByteCount + 4 * words.count)
        writer.write(kind.rawValue)
        writer.write(raw: group)
        writer.write(index: shard)
        writer.write(index: contributor)
        writer.write(littleEndianWords: words)
        return writer.bytes
    }

    /// Whether bytes are of this family.
    static func isDataFrame(_ bytes: [UInt8]) -> Bool {
        bytes.first.flatMap(Kind.init(rawValue:)) != nil
    }

    private static func words(of bytes: [UInt8], from start: Int, count: Int) -> [UInt32] {
        var words: [UInt32] = []
        words.reserveCapacity(count)
        var offset = start
        for _ in 0..<count {
            words.append(
                UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8
                    | UInt32(bytes[offset + 2]) << 16 | UInt32(bytes[offset + 3]) << 24)
            offset += 4
        }
        return words
    }
}
