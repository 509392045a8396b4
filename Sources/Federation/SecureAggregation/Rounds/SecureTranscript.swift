internal import Cryptography

/// Everything from which anyone who knows the network key can open a secure round's sum again:
/// the masked sums, the commits to them, and the shares that were revealed for it.
///
/// It holds no member's masked vector and no share beyond those that the certificate asked for, so it
/// shows what a member of the group has seen, and no more.
public struct SecureTranscript: Hashable, Sendable {
    private static let domain: StaticString = "starling/secure-transcript/1"
    private static let frameByteCountMax =
        SecureFrame.headByteCount + SecureFrame.bodyByteCountMax + SecureFrame.signatureByteCount

    let roster: SecureFrame
    /// The joins of all members in order of their indices.
    let joins: [SecureFrame]
    /// The deals of all survivors in order.
    let deals: [SecureFrame]
    /// A threshold of reveals in order of their senders.
    let reveals: [SecureFrame]
    /// The hash of each shard's masked sum.
    let sumDigests: [Digest]
    /// The masked sum, all shards in order.
    let words: [UInt32]

    /// Why a transcript does not give a sum.
    public enum Failure: Error, Hashable, Sendable {
        /// The bytes are none.
        case malformed
        /// The roster is of another federation or round, or its members are not those that a
        /// manifest allows.
        case roster
        /// The join of the member with that index is not the one that the roster names.
        case join(Int)
        /// Fewer than a threshold signed one commit.
        case certificate
        /// The hashes of the masked sums are not those that were committed to.
        case sumDigests
        /// The masked sum of that shard has another hash.
        case shard(Int)
        /// The deal of the member with that index is missing or not its own.
        case deal(Int)
        /// The reveal of the member with that index is not its own or of another commit.
        case reveal(Int)
        /// The shares do not give the secret of the member with that index.
        case secret(Int)

        /// One sentence for people.
        public var sentence: String {
            switch self {
            case .malformed: "The bytes are no transcript of a secure round."
            case .roster: "The roster is not one of this round."
            case .join(let index): "The join of member \(index) is not the roster's."
            case .certificate: "Too few members signed the commit."
            case .sumDigests: "The hashes of the masked sums are not those committed to."
            case .shard(let shard): "The masked sum of shard \(shard) has another hash."
            case .deal(let index): "The deal of member \(index) is not its own."
            case .reveal(let index): "The reveal of member \(index) is not its own."
            case .secret(let index): "The shares do not give the secret of member \(index)."
            }
        }
    }

    /// The frames and words in a fixed layout: `"starling/secure-transcript/1\0"`, the roster, and
    /// behind their counts the joins, deals and reveals, the hashes, and the words, four bytes each,
    /// low byte first; a frame stands behind its length.
    public var bytes: [UInt8] {
        var writer = CanonicalWriter(domain: Self.domain)
        writer.write(prefixed: roster.bytes)
        for frames in [joins, deals, reveals] {
            writer.write(count: frames.count)
            for frame in frames { writer.write(prefixed: frame.bytes) }
        }
        writer.write(count: sumDigests.count)
        for digest in sumDigests { writer.write(raw: digest.bytes) }
        writer.write(count: words.count)
        writer.write(littleEndianWords: words)
        return writer.bytes
    }

    init(
        roster: SecureFrame, joins: [SecureFrame], deals: [SecureFrame], reveals: [SecureFrame],
        sumDigests: [Digest], words: [UInt32]
    ) {
        self.roster = roster
        self.joins = joins
        self.deals = deals
        self.reveals = reveals
        self.sumDigests = sumDigests
        self.words = words
    }

    /// Reads a transcript; only ``open(manifest:round:networkKey:)`` checks it.
    ///
    /// - Throws: `malformed`.
    public init(bytes: [UInt8]) throws(Failure) {
        do {
            var reader = try CanonicalReader(bytes, domain: Self.domain)
            func frame(_ reader: inout CanonicalReader) throws -> SecureFrame {
                try SecureFrame(bytes: reader.readPrefixed(max: Self.frameByteCountMax))
            }
            func frames(_ reader: inout CanonicalReader) throws -> [SecureFrame] {
                let count = try reader.readCount(
                    max: SecureThresholds.memberCountMax, itemByteCount: 4)
                var frames: [SecureFrame] = []
                for _ in 0..<count { frames.append(try frame(&reader)) }
                return frames
            }
            roster = try frame(&reader)
            joins = try frames(&reader)
            deals = try frames(&reader)
            reveals = try frames(&reader)
            let count = try reader.readCount(
                max: SecureThresholds.memberCountMax, itemByteCount: Digest.byteCount)
            var digests: [Digest] = []
            for _ in 0..<count { digests.append(try reader.readDigest()) }
            sumDigests = digests
            let wordCount = try reader.readCount(
                max: SecureVectorFormat.elementCountMax + 1, itemByteCount: 4)
            words = try reader.readLittleEndianWords(count: wordCount)
            try reader.finish()
        } catch {
            throw .malformed
        }
    }
}
