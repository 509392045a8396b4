public import Cryptography

/// A named public key that verifies signed notes.
///
/// Source: C2SP signed-note; cosignatures by C2SP tlog-cosignature v1.
public struct NoteKey: Hashable, Sendable, CustomStringConvertible {
    /// What a signature of the key covers.
    public enum Algorithm: UInt8, Hashable, Sendable {
        /// Ed25519 over the note's text.
        case ed25519 = 0x01
        /// Ed25519 over a time and the note's text, by a witness.
        case cosignature = 0x04
    }

    /// The name; for the key of a log it is the log's origin.
    public let name: String
    /// What its signatures cover.
    public let algorithm: Algorithm
    /// The Ed25519 key.
    public let publicKey: PublicKey
    /// The first four bytes of a hash over name, algorithm and key.
    public let id: UInt32

    /// Names a public key.
    ///
    /// - Throws: `.invalidName` for a name that can't stand in a signature line.
    public init(name: String, algorithm: Algorithm, publicKey: PublicKey) throws(NoteError) {
        guard Self.isValid(name: name) else { throw .invalidName(name) }
        self.name = name
        self.algorithm = algorithm
        self.publicKey = publicKey
        let digest = Hashing.sha256(
            Array(name.utf8) + [0x0A, algorithm.rawValue] + publicKey.bytes
        )
        id = digest.bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Reads the text form, `name+hexadecimal ID+base64(type || key)`.
    ///
    /// - Throws: `.malformedKey`, `.unknownAlgorithm`, `.invalidName` or `.keyIDMismatch`.
    public init(text: String) throws(NoteError) {
        let parts = text.utf8.split(
            separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false
        )
        guard parts.count == 3, parts[1].count == 8,
            parts[1].allSatisfy(Self.isLowercaseHexadecimal),
            let name = String(parts[0]), let hexadecimal = String(parts[1]),
            let found = UInt32(hexadecimal, radix: 16),
            let encoded = Base64.decode(parts[2]), let type = encoded.first
        else { throw .malformedKey(text) }
        guard let algorithm = Algorithm(rawValue: type) else { throw .unknownAlgorithm(type) }
        guard let publicKey = PublicKey(bytes: encoded.dropFirst()) else {
            throw .malformedKey(text)
        }
        try self.init(name: name, algorithm: algorithm, publicKey: publicKey)
        guard found == id else { throw .keyIDMismatch(expected: id, found: found) }
    }

    /// The text form (a *vkey*).
    public var description: String {
        let hexadecimal = String(id, radix: 16)
        let padded = String(repeating: "0", count: 8 - hexadecimal.utf8.count) + hexadecimal
        return "\(name)+\(padded)+\(Base64.encode([algorithm.rawValue] + publicKey.bytes))"
    }

    /// Whether a signature line is by this key, going by name and ID.
    func matches(_ signature: NoteSignature) -> Bool {
        signature.keyID == id && signature.name.utf8.elementsEqual(name.utf8)
    }

    /// What the key's signature over `text` verifies as; nil if it does not.
    func verified(_ signature: NoteSignature, over text: [UInt8]) -> VerifiedSignature? {
        switch algorithm {
        case .ed25519:
            guard publicKey.isValidSignature(signature.bytes, for: text) else { return nil }
            return VerifiedSignature(key: self, timeSeconds: nil)
        case .cosignature:
            var reader = ByteReader(signature.bytes)
            guard let time = reader.readUInt64(),
                let bytes = reader.read(reader.remainingCount),
                publicKey.isValidSignature(
                    Array(bytes), for: Self.cosignedMessage(timeSeconds: time, text: text)
                )
            else { return nil }
            return VerifiedSignature(key: self, timeSeconds: time)
        }
    }

    /// The bytes that a cosignature at a time covers.
    static func cosignedMessage(timeSeconds: UInt64, text: [UInt8]) -> [UInt8] {
        Array("cosignature/v1\ntime \(timeSeconds)\n".utf8) + text
    }

    static func isValid(name: String) -> Bool {
        !name.isEmpty
            && name.unicodeScalars.allSatisfy {
                $0 != "+" && !$0.properties.isWhitespace && $0.value >= 0x20 && $0.value != 0x7F
            }
    }

    private static func isLowercaseHexadecimal(_ digit: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(digit)
    }
}
