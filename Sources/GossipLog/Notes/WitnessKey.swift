public import Cryptography

/// A key that cosigns tree heads of others, with the word of the log's key of the same node that it
/// is that node's.
///
/// A node's log and its cosignatures have keys of their own, so that no statement of one can be
/// taken for one of the other. Signed bytes: `"starling/witness/1\0"`, origin, newline, key (32).
public struct WitnessKey: Hashable, Sendable {
    /// The cosigning key; its name is the origin of the node's own log.
    public let key: NoteKey
    /// The signature of the log's key over the statement.
    public let signature: [UInt8]

    /// Binds a cosigning key to the log of that signer.
    ///
    /// - Throws: `.invalidName` where the origin can't be a name.
    public init(
        origin: String, witness: PublicKey, signer: SigningKey
    ) throws(NoteError) {
        key = try NoteKey(name: origin, algorithm: .cosignature, publicKey: witness)
        signature = signer.signature(for: Self.statement(origin: origin, witness: witness))
    }

    /// The text: the key, a space, the signature in base64.
    public var bytes: [UInt8] { Array("\(key) \(Base64.encode(signature))".utf8) }

    /// Reads a text and checks that the log with that key stands behind the cosigning key.
    ///
    /// - Throws: `.malformedKey`, `.invalidSignature`, or what is wrong with the key.
    public init(bytes: [UInt8], log: NoteKey) throws(NoteError) {
        let text = String(decoding: bytes, as: UTF8.self)
        let parts = bytes.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 2, let name = String(validating: parts[0], as: UTF8.self),
            let signature = Base64.decode(parts[1])
        else { throw .malformedKey(text) }
        key = try NoteKey(text: name)
        guard key.algorithm == .cosignature, key.name.utf8.elementsEqual(log.name.utf8) else {
            throw .malformedKey(text)
        }
        guard
            log.publicKey.isValidSignature(
                signature, for: Self.statement(origin: log.name, witness: key.publicKey))
        else { throw .invalidSignature(name: log.name) }
        self.signature = signature
    }

    private static func statement(origin: String, witness: PublicKey) -> [UInt8] {
        Array("starling/witness/1\0\(origin)\n".utf8) + witness.bytes
    }
}
