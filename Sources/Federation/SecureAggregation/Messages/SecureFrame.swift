internal import Cryptography

/// A signed message of a secure round, as it travels: type (1), group (32), sender (2), view (2),
/// body, signature (64); integers little-endian.
///
/// The signature covers `"psa1/sig\0"` and everything before it.
struct SecureFrame: Hashable, Sendable {
    /// What the message says; the numbers are stable.
    enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case join = 1
        case roster = 2
        case rosterAck = 3
        case deal = 4
        case share = 5
        case dealAck = 6
        case survivors = 7
        case maskCommit = 8
        case receipt = 9
        case contributors = 10
        case partial = 11
        case commit = 12
        case reveal = 13
        case result = 14
        case status = 15
        case audit = 16
    }

    static let headByteCount = 37
    static let signatureByteCount = 64
    /// The longest body: a deal among 64 members has 2,720 bytes, a reveal 5,014.
    static let bodyByteCountMax = 16 * 1024
    /// The group of messages that come before one exists.
    static let noGroup = [UInt8](repeating: 0, count: Digest.byteCount)

    let kind: Kind
    let group: [UInt8]
    let sender: Int
    let view: Int
    let body: [UInt8]
    let signature: [UInt8]

    /// Signs a message.
    init(
        _ kind: Kind, group: [UInt8], sender: Int, view: Int, body: [UInt8],
        signer: any MessageSigner
    ) {
        precondition(
            group.count == Digest.byteCount && body.count <= Self.bodyByteCountMax
                && (0...Int(UInt16.max)).contains(sender) && (0...Int(UInt16.max)).contains(view),
            "a \(kind) of \(body.count) bytes from \(sender) in view \(view)")
        self.kind = kind
        self.group = group
        self.sender = sender
        self.view = view
        self.body = body
        signature = signer.signature(
            for: Self.signedBytes(Self.plain(kind, group, sender, view, body)))
    }

    /// Puts a message together whose signature came another way.
    init(
        kind: Kind, group: [UInt8], sender: Int, view: Int, body: [UInt8], signature: [UInt8]
    ) {
        self.kind = kind
        self.group = group
        self.sender = sender
        self.view = view
        self.body = body
        self.signature = signature
    }

    /// Reads a message; the signature is not checked yet.
    init(bytes: [UInt8]) throws(SecureRefusal) {
        guard
            bytes.count <= Self.headByteCount + Self.bodyByteCountMax + Self.signatureByteCount
        else { throw .tooLong }
        guard bytes.count >= Self.headByteCount + Self.signatureByteCount,
            let kind = Kind(rawValue: bytes[0])
        else { throw .malformed }
        self.kind = kind
        group = Array(bytes[1..<33])
        sender = Int(bytes[33]) | Int(bytes[34]) << 8
        view = Int(bytes[35]) | Int(bytes[36]) << 8
        body = Array(bytes[Self.headByteCount..<(bytes.count - Self.signatureByteCount)])
        signature = Array(bytes.suffix(Self.signatureByteCount))
    }

    /// The message as it travels.
    var bytes: [UInt8] { Self.plain(kind, group, sender, view, body) + signature }

    /// Whether that key signed it.
    func isSigned(by key: PublicKey) -> Bool {
        key.isValidSignature(
            signature, for: Self.signedBytes(Self.plain(kind, group, sender, view, body)))
    }

    /// Whether both say the same, whatever the signatures.
    func saysSame(as other: SecureFrame) -> Bool {
        kind == other.kind && group == other.group && sender == other.sender && view == other.view
            && body == other.body
    }

    private static func plain(
        _ kind: Kind, _ group: [UInt8], _ sender: Int, _ view: Int, _ body: [UInt8]
    ) -> [UInt8] {
        var writer = CanonicalWriter(byteCountHint: headByteCount + body.count)
        writer.write(kind.rawValue)
        writer.write(raw: group)
        writer.write(littleEndian: UInt16(sender))
        writer.write(littleEndian: UInt16(view))
        writer.write(raw: body)
        return writer.bytes
    }

    private static func signedBytes(_ plain: [UInt8]) -> [UInt8] { domainBytes + plain }

    /// What is signed in front of every message's bytes.
    static let domainBytes = CanonicalWriter(domain: "psa1/sig").bytes
}

extension CanonicalWriter {
    mutating func write(_ set: MemberSet) { write(littleEndian: set.bits) }
    mutating func write(index: Int) { write(littleEndian: UInt16(index)) }
}

extension CanonicalReader {
    mutating func readSet() throws(CanonicalError) -> MemberSet {
        MemberSet(bits: try readLittleEndian())
    }

    mutating func readIndex() throws(CanonicalError) -> Int {
        Int(try readLittleEndian(UInt16.self))
    }

    /// A count of items that each take so many bytes, all of which must be here.
    mutating func readItemCount(max: Int, itemByteCount: Int) throws(CanonicalError) -> Int {
        let start = offset
        let count = try readIndex()
        guard count <= max else { throw .tooLong(offset: start, count: count, allowed: max) }
        guard count <= remainingCount / itemByteCount else { throw .truncated(offset: start) }
        return count
    }
}
