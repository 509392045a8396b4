public import Cryptography

/// A log's wish that a witness sign its newest tree head, with the proof that it continues the last
/// one that the witness signed.
///
/// Source: C2SP tlog-witness, where a tree head is a checkpoint.
public struct CheckpointRequest: Hashable, Sendable {
    /// The most hashes of a proof.
    public static let hashCountMax = 63
    /// The longest text that is read.
    public static let byteCountMax = SignedNote.byteCountMax + 64 * 48

    /// The size of the head that the witness signed last; 0 before any.
    public let oldSize: UInt64
    /// The consistency proof from that size to the head's.
    public let hashes: [Digest]
    /// The note of the head.
    public let note: [UInt8]

    /// Takes the parts.
    public init(oldSize: UInt64, hashes: [Digest], note: [UInt8]) {
        self.oldSize = oldSize
        self.hashes = hashes
        self.note = note
    }

    /// The text.
    public var bytes: [UInt8] {
        var text = "old \(oldSize)\n"
        for hash in hashes { text += Base64.encode(hash.bytes) + "\n" }
        return Array((text + "\n").utf8) + note
    }

    /// Reads a text; nil if it is no request.
    public init?(bytes: [UInt8]) {
        guard bytes.count <= Self.byteCountMax else { return nil }
        var hashes: [Digest] = []
        var oldSize: UInt64?
        var start = 0
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = bytes[start..<end]
            start = end + 1
            guard let size = oldSize else {
                let prefix = Array("old ".utf8)
                guard line.starts(with: prefix),
                    let text = String(validating: line.dropFirst(prefix.count), as: UTF8.self),
                    let value = UInt64(text), String(value) == text
                else { return nil }
                oldSize = value
                continue
            }
            if line.isEmpty {
                self.init(oldSize: size, hashes: hashes, note: Array(bytes[start...]))
                return
            }
            guard hashes.count < Self.hashCountMax, let decoded = Base64.decode(line),
                let hash = Digest(bytes: decoded)
            else { return nil }
            hashes.append(hash)
        }
        return nil
    }
}

/// What a witness answers.
///
/// The text is a line with the status that C2SP tlog-witness has for it, then what that says.
public enum CheckpointAnswer: Hashable, Sendable {
    /// 200: signed; the witness's key with what binds it to a member, and the signature line.
    case signed(binding: [UInt8], line: [UInt8])
    /// 409: the witness signed a head of another size last, this note.
    case conflict(note: [UInt8])
    /// 409 with a size of 0: the witness has signed nothing yet.
    case nothingSigned
    /// 400: the request or its head can't be read, or states an older size than `old`.
    case malformed
    /// 403: the head is not signed by a member's log of this federation.
    case unknownLog
    /// 422: the proof does not hold.
    case proofInvalid

    /// The longest text that is read.
    public static let byteCountMax = SignedNote.byteCountMax + 4 * 1024

    /// The text.
    public var bytes: [UInt8] {
        switch self {
        case .signed(let binding, let line): Array("200\n".utf8) + binding + [0x0A] + line
        case .conflict(let note): Array("409\n".utf8) + note
        case .nothingSigned: Array("409\n".utf8)
        case .malformed: Array("400\n".utf8)
        case .unknownLog: Array("403\n".utf8)
        case .proofInvalid: Array("422\n".utf8)
        }
    }

    /// Reads a text; nil if it is no answer.
    public init?(bytes: [UInt8]) {
        guard bytes.count <= Self.byteCountMax, bytes.count >= 4, bytes[3] == 0x0A else {
            return nil
        }
        let rest = Array(bytes[4...])
        switch (String(decoding: bytes[..<3], as: UTF8.self), rest.isEmpty) {
        case ("200", false):
            guard let end = rest.firstIndex(of: 0x0A) else { return nil }
            self = .signed(binding: Array(rest[..<end]), line: Array(rest[(end + 1)...]))
        case ("409", true): self = .nothingSigned
        case ("409", false): self = .conflict(note: rest)
        case ("400", true): self = .malformed
        case ("403", true): self = .unknownLog
        case ("422", true): self = .proofInvalid
        default: return nil
        }
    }
}
