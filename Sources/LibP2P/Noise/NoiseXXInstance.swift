package import Cryptography

/// The three messages of Noise XX with arbitrary payloads, as the framework defines them.
///
/// `e`, then `e, ee, s, es`, then `s, se`. Legal moves: messages 0, 1, 2 in order, each written by
/// the side whose turn it is and read by the other; then `split`. A failed read ends the machine.
/// Source: Noise Protocol Framework revision 34, sections 5.3 and 7.5.
package struct NoiseXXInstance {
    /// The side of the handshake.
    package enum Role: Hashable, Sendable {
        case initiator, responder
    }

    private let role: Role
    private var symmetric: NoiseSymmetricState
    private let staticKey: AgreementKey
    private let ephemeralKey: AgreementKey
    private var remoteEphemeral: [UInt8] = []
    /// The other side's static key, empty until its message was read.
    package private(set) var remoteStatic: [UInt8] = []
    /// The number of the next message; 3 when the handshake is complete.
    package private(set) var messageIndex = 0
    private var hasFailed = false

    package init(
        role: Role, prologue: [UInt8], staticKey: AgreementKey, ephemeralKey: AgreementKey
    ) {
        self.role = role
        self.staticKey = staticKey
        self.ephemeralKey = ephemeralKey
        symmetric = NoiseSymmetricState(prologue: prologue)
    }

    /// The hash over all that was said; the same on both sides.
    package var handshakeHash: [UInt8] { symmetric.hash }

    /// Whether the next message is this side's to write.
    package var isWriterNext: Bool {
        messageIndex < 3 && (messageIndex == 1) == (role == .responder)
    }

    /// The next message of this side.
    ///
    /// - Throws: `weakSharedSecret`, or `ended` when it is not this side's turn.
    package mutating func writeMessage(payload: [UInt8]) throws(LibP2PError) -> [UInt8] {
        guard !hasFailed, isWriterNext else { throw .ended(.noiseHandshake) }
        hasFailed = true
        var output: [UInt8] = []
        if messageIndex < 2 {
            output += ephemeralKey.publicKey
            symmetric.mix(hash: ephemeralKey.publicKey)
        }
        if messageIndex == 1 { try mix(ephemeralKey, remoteEphemeral) }
        if messageIndex >= 1 {
            output += symmetric.encryptAndHash(staticKey.publicKey)
            try mix(staticKey, remoteEphemeral)
        }
        output += symmetric.encryptAndHash(payload)
        messageIndex += 1
        hasFailed = false
        return output
    }

    /// Reads the next message of the other side and returns its payload.
    ///
    /// - Throws: `truncated`, `authenticationFailed`, `weakSharedSecret`, `ended`.
    package mutating func readMessage(_ message: [UInt8]) throws(LibP2PError) -> [UInt8] {
        guard !hasFailed, messageIndex < 3, !isWriterNext else { throw .ended(.noiseHandshake) }
        hasFailed = true
        var reader = ByteReader(message, reading: .noiseHandshake)
        if messageIndex < 2 {
            remoteEphemeral = try reader.bytes(AgreementKey.byteCount)
            symmetric.mix(hash: remoteEphemeral)
        }
        if messageIndex == 1 { try mix(ephemeralKey, remoteEphemeral) }
        if messageIndex >= 1 {
            let count = AgreementKey.byteCount + symmetric.tagByteCount
            remoteStatic = try symmetric.decryptAndHash(reader.bytes(count))
            try mix(ephemeralKey, remoteStatic)
        }
        let payload = try symmetric.decryptAndHash(reader.remainder)
        messageIndex += 1
        hasFailed = false
        return payload
    }

    /// The keys of this side after the third message.
    ///
    /// - Throws: `ended` before it.
    package func split() throws(LibP2PError) -> (send: SecretBytes, receive: SecretBytes) {
        guard !hasFailed, messageIndex == 3 else { throw .ended(.noiseHandshake) }
        let (first, second) = symmetric.split()
        return role == .initiator ? (first, second) : (second, first)
    }

    private mutating func mix(
        _ own: AgreementKey, _ other: [UInt8]
    ) throws(LibP2PError) {
        do {
            symmetric.mix(key: try own.sharedSecret(with: other))
        } catch {
            throw .weakSharedSecret
        }
    }
}
