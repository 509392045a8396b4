public import Cryptography

/// Evidence of a false share or sum as it lies beside a log's leaf.
extension SecureEvidence {
    private static let domain: StaticString = "starling/secure-evidence/1"
    private static let falseShareNumber: UInt8 = 1
    private static let falseSumNumber: UInt8 = 2
    private static let frameByteCountMax =
        SecureFrame.headByteCount + SecureFrame.bodyByteCountMax + SecureFrame.signatureByteCount

    /// The most bytes that a log keeps of one piece of evidence: the shards behind a false sum in a
    /// vector of four million words.
    public static let byteCountMax = 16 << 20

    /// The frames in a fixed layout; empty for an equivocation, which the log holds as one.
    ///
    /// `"starling/secure-evidence/1\0"`, then 1, member, dealer, and the frames of reveal, deal,
    /// dealer's join and roster; or 2, member, the frames of partial and roster, and behind their
    /// count the participants' frames of mask commit and join, and their words behind their count.
    public var bytes: [UInt8] {
        var writer = CanonicalWriter(domain: Self.domain)
        switch self {
        case .equivocation: return []
        case .falseShare(let found):
            writer.write(Self.falseShareNumber)
            writer.write(raw: found.member.bytes)
            writer.write(raw: found.dealer.bytes)
            for frame in [found.reveal, found.deal, found.dealerJoin, found.roster] {
                writer.write(prefixed: frame)
            }
        case .falseSum(let found):
            writer.write(Self.falseSumNumber)
            writer.write(raw: found.member.bytes)
            writer.write(prefixed: found.partial)
            writer.write(prefixed: found.roster)
            writer.write(count: found.shards.count)
            for index in found.shards.indices {
                writer.write(prefixed: found.maskCommits[index])
                writer.write(prefixed: found.joins[index])
                writer.write(count: found.shards[index].count)
                writer.write(littleEndianWords: found.shards[index])
            }
        }
        return writer.bytes
    }

    /// Reads evidence; nothing of it is checked yet.
    ///
    /// - Throws: `CanonicalError` for bytes that ``bytes`` does not make.
    public init(bytes: [UInt8]) throws(CanonicalError) {
        var reader = try CanonicalReader(bytes, domain: Self.domain)
        let start = reader.offset
        func frame(_ reader: inout CanonicalReader) throws(CanonicalError) -> [UInt8] {
            try reader.readPrefixed(max: Self.frameByteCountMax)
        }
        switch try reader.read(UInt8.self) {
        case Self.falseShareNumber:
            self = .falseShare(
                FalseShare(
                    member: try reader.readKey(), dealer: try reader.readKey(),
                    reveal: try frame(&reader), deal: try frame(&reader),
                    dealerJoin: try frame(&reader), roster: try frame(&reader)))
        case Self.falseSumNumber:
            let member = try reader.readKey()
            let partial = try frame(&reader)
            let roster = try frame(&reader)
            var maskCommits: [[UInt8]] = []
            var joins: [[UInt8]] = []
            var shards: [[UInt32]] = []
            let count = try reader.readCount(max: SecureThresholds.memberCountMax)
            for _ in 0..<count {
                maskCommits.append(try frame(&reader))
                joins.append(try frame(&reader))
                let wordCount = try reader.readCount(
                    max: SecureVectorFormat.elementCountMax + 1, itemByteCount: 4)
                shards.append(try reader.readLittleEndianWords(count: wordCount))
            }
            self = .falseSum(
                FalseSum(
                    member: member, partial: partial, maskCommits: maskCommits, joins: joins,
                    shards: shards, roster: roster))
        default: throw .malformed(offset: start)
        }
        try reader.finish()
    }

    /// The federation whose round the evidence is of, as its roster says; `nil` for an
    /// equivocation and for bytes that are no roster.
    public var federation: Digest? {
        let bytes: [UInt8]
        switch self {
        case .equivocation: return nil
        case .falseShare(let found): bytes = found.roster
        case .falseSum(let found): bytes = found.roster
        }
        guard let frame = try? SecureFrame(bytes: bytes), frame.kind == .roster else { return nil }
        return (try? SecureRoster(frame))?.manifestDigest
    }
}
