public import Cryptography

/// What a height came to, without a view: members that reached it in different views sign the
/// same bytes.
///
/// Signed bytes: `"starling/result/1\0" || manifest digest (32) || height (8) || round (8, 0 for
/// a membership entry) || previous entry (32) || proposal (32) || sum (32) || adapter (32) ||
/// members after (32)`.
public struct ResultStatement: Hashable, Sendable {
    /// The federation.
    public let manifestDigest: Digest
    /// The height.
    public let height: UInt64
    /// The round, 0 for a membership entry.
    public let round: UInt64
    /// The entry before.
    public let previousDigest: Digest
    /// The decided proposal.
    public let proposalDigest: Digest
    /// The ring sums and weights; zero bytes for a membership entry.
    public let sumDigest: Digest
    /// The adapter after the entry.
    public let adapterDigest: ObjectID
    /// The members after the entry: BLAKE2b-256 of their keys in order.
    public let membersDigest: Digest

    static let domain: StaticString = "starling/result/1"
    /// The domain with its zero byte, six digests and two numbers.
    static let byteCount = 18 + 6 * 32 + 2 * 8

    /// The bytes that members sign.
    public var bytes: [UInt8] {
        var writer = CanonicalWriter(domain: Self.domain)
        writer.write(raw: manifestDigest.bytes)
        writer.write(height)
        writer.write(round)
        writer.write(raw: previousDigest.bytes)
        writer.write(raw: proposalDigest.bytes)
        writer.write(raw: sumDigest.bytes)
        writer.write(raw: adapterDigest.bytes)
        writer.write(raw: membersDigest.bytes)
        return writer.bytes
    }
}

extension ResultStatement {
    /// Reads ``bytes``.
    init(bytes: [UInt8]) throws(CanonicalError) {
        var reader = try CanonicalReader(bytes, domain: Self.domain)
        manifestDigest = try reader.readDigest()
        height = try reader.read()
        round = try reader.read()
        previousDigest = try reader.readDigest()
        proposalDigest = try reader.readDigest()
        sumDigest = try reader.readDigest()
        adapterDigest = try reader.readDigest()
        membersDigest = try reader.readDigest()
        try reader.finish()
    }
}
