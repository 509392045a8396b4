/// A signature line of a note, not verified.
public struct NoteSignature: Hashable, Sendable {
    /// The name of the key.
    public let name: String
    /// The ID of the key.
    public let keyID: UInt32
    /// What follows the ID; its layout depends on the key's algorithm.
    public let bytes: [UInt8]
}

/// A signature of a note that a known key verified.
public struct VerifiedSignature: Hashable, Sendable {
    /// The key.
    public let key: NoteKey
    /// The time of a cosignature, in seconds since 1970; nil for a plain signature.
    public let timeSeconds: UInt64?
}

/// A text and the signatures below it.
///
/// Source: C2SP signed-note.
public struct SignedNote: Hashable, Sendable {
    /// The longest note that is read.
    ///
    /// A tree head with 64 cosignatures takes less than a quarter.
    public static let byteCountMax = 65_536
    /// The most signature lines that are read; the source asks for at least 16.
    public static let signatureCountMax = 64

    /// The signed bytes: UTF-8 that ends in a newline.
    public let text: [UInt8]
    /// The signatures in their order.
    public private(set) var signatures: [NoteSignature]

    /// Puts signatures below a text that ends in a newline.
    init(text: [UInt8], signatures: [NoteSignature]) {
        precondition(text.last == Self.newline, "a note's text ends in a newline")
        self.text = text
        self.signatures = signatures
    }

    /// Reads a note; its signatures are not verified.
    ///
    /// - Throws: what is wrong with the format.
    public init(bytes: [UInt8]) throws(NoteError) {
        guard bytes.count <= Self.byteCountMax else {
            throw .tooLong(byteCount: bytes.count, limit: Self.byteCountMax)
        }
        if let offset = bytes.firstIndex(where: { $0 < 0x20 && $0 != Self.newline }) {
            throw .controlCharacter(offset: offset)
        }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw .notUTF8 }
        guard let end = Self.textEnd(in: bytes) else { throw .missingBlankLine }
        text = Array(bytes[..<end])
        signatures = try Self.signatures(in: bytes[(end + 1)...])
    }

    /// The whole note.
    public var bytes: [UInt8] {
        var note = text + [Self.newline]
        for signature in signatures {
            var writer = ByteWriter()
            writer.append(signature.keyID)
            writer.append(signature.bytes)
            note += Array("— \(signature.name) \(Base64.encode(writer.bytes))\n".utf8)
        }
        return note
    }

    /// Verifies the signatures by these keys and ignores all others.
    ///
    /// A key that signed twice counts once.
    /// - Throws: `.invalidSignature` if a signature of one of the keys is wrong,
    ///   `.noKnownSignature` if there is none.
    public func verified(by keys: [NoteKey]) throws(NoteError) -> [VerifiedSignature] {
        var verified: [VerifiedSignature] = []
        for signature in signatures {
            guard let key = keys.first(where: { $0.matches(signature) }) else { continue }
            guard let result = key.verified(signature, over: text) else {
                throw .invalidSignature(name: key.name)
            }
            if !verified.contains(where: { $0.key == key }) {
                verified.append(result)
            }
        }
        guard !verified.isEmpty else { throw .noKnownSignature }
        return verified
    }

    /// Adds a signature line at the end.
    public mutating func append(_ signature: NoteSignature) {
        signatures.append(signature)
    }

    private static let newline = UInt8(ascii: "\n")
    private static let linePrefix = Array("— ".utf8)

    /// The end of the text: behind the newline before the last blank line.
    private static func textEnd(in bytes: [UInt8]) -> Int? {
        guard bytes.count >= 2 else { return nil }
        var index = bytes.count - 1
        while index > 0 {
            if bytes[index] == newline, bytes[index - 1] == newline {
                return index > 1 ? index : nil
            }
            index -= 1
        }
        return nil
    }

    private static func signatures(
        in bytes: ArraySlice<UInt8>
    ) throws(NoteError) -> [NoteSignature] {
        guard bytes.last == newline else { throw .malformedSignatureLine(index: 0) }
        let lines = bytes.dropLast().split(separator: newline, omittingEmptySubsequences: false)
        guard lines.count <= signatureCountMax else {
            throw .tooManySignatures(count: lines.count, limit: signatureCountMax)
        }
        var signatures: [NoteSignature] = []
        for (index, line) in lines.enumerated() {
            guard let signature = signature(inLine: line) else {
                throw .malformedSignatureLine(index: index)
            }
            signatures.append(signature)
        }
        return signatures
    }

    private static func signature(inLine line: ArraySlice<UInt8>) -> NoteSignature? {
        guard line.starts(with: linePrefix) else { return nil }
        let parts = line.dropFirst(linePrefix.count).split(
            separator: UInt8(ascii: " "), omittingEmptySubsequences: false
        )
        guard parts.count == 2, let name = String(validating: parts[0], as: UTF8.self),
            NoteKey.isValid(name: name), let encoded = Base64.decode(parts[1]), encoded.count > 4
        else { return nil }
        return NoteSignature(
            name: name,
            keyID: encoded.prefix(4).reduce(0) { $0 << 8 | UInt32($1) },
            bytes: Array(encoded.dropFirst(4))
        )
    }
}
