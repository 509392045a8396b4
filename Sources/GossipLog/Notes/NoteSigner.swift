public import Cryptography

/// A named secret key that signs notes.
public struct NoteSigner: Sendable {
    /// The public half, with the name.
    public let key: NoteKey
    private let signingKey: SigningKey

    /// Names a secret key.
    ///
    /// A witness uses another key than the log that it keeps itself.
    /// - Throws: `.invalidName` for a name that can't stand in a signature line.
    public init(
        name: String, algorithm: NoteKey.Algorithm = .ed25519, signingKey: SigningKey
    ) throws(NoteError) {
        key = try NoteKey(name: name, algorithm: algorithm, publicKey: signingKey.publicKey)
        self.signingKey = signingKey
    }

    /// The signature over a note's text.
    ///
    /// `timeSeconds`, in seconds since 1970, is what a cosignature states and is not part of a
    /// plain signature.
    public func signature(over text: [UInt8], timeSeconds: UInt64 = 0) -> NoteSignature {
        var writer = ByteWriter()
        switch key.algorithm {
        case .ed25519:
            writer.append(signingKey.signature(for: text))
        case .cosignature:
            let message = NoteKey.cosignedMessage(timeSeconds: timeSeconds, text: text)
            writer.append(timeSeconds)
            writer.append(signingKey.signature(for: message))
        }
        return NoteSignature(name: key.name, keyID: key.id, bytes: writer.bytes)
    }

    /// The signed tree head of a log whose origin is the key's name.
    public func treeHead(of tree: MerkleTree) -> SignedTreeHead {
        let head = TreeHead(origin: key.name, size: tree.size, root: tree.root)
        let note = SignedNote(text: head.text, signatures: [signature(over: head.text)])
        return SignedTreeHead(head: head, note: note)
    }
}
