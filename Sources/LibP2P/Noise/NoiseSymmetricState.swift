internal import Cryptography

/// The hash, the chaining key and the cipher of a running handshake.
///
/// Source: Noise Protocol Framework revision 34, section 5.2.
struct NoiseSymmetricState {
    /// Exactly as long as a digest, so it is the first hash itself.
    static let protocolName = Array("Noise_XX_25519_ChaChaPoly_SHA256".utf8)

    private(set) var hash: [UInt8]
    private var chainingKey: SecretBytes
    private var cipher: ChaChaPoly?
    private var counter: UInt64 = 0

    init(prologue: [UInt8]) {
        hash = Self.protocolName
        chainingKey = SecretBytes(copying: hash)
        mix(hash: prologue)
    }

    mutating func mix(hash data: [UInt8]) {
        hash = Hashing.sha256(hash + data).bytes
    }

    mutating func mix(key input: SecretBytes) {
        let (first, second) = NoiseKeyDerivation.derive(chainingKey: chainingKey, input: input)
        chainingKey = first
        cipher = Self.cipher(second)
        counter = 0
    }

    /// Encrypts once there is a key; before that the bytes pass as they are.
    mutating func encryptAndHash(_ plaintext: [UInt8]) -> [UInt8] {
        guard let cipher else {
            mix(hash: plaintext)
            return plaintext
        }
        let output = cipher.seal(
            plaintext, nonce: .init(counter: counter), associatedData: hash
        )
        counter += 1
        mix(hash: output)
        return output
    }

    mutating func decryptAndHash(_ ciphertext: [UInt8]) throws(LibP2PError) -> [UInt8] {
        guard let cipher else {
            mix(hash: ciphertext)
            return ciphertext
        }
        let output: [UInt8]
        do {
            output = try cipher.open(
                ciphertext, nonce: .init(counter: counter), associatedData: hash
            )
        } catch {
            throw .authenticationFailed(.noiseHandshake)
        }
        counter += 1
        mix(hash: ciphertext)
        return output
    }

    /// The number of bytes that encryption adds at this point.
    var tagByteCount: Int { cipher == nil ? 0 : ChaChaPoly.tagByteCount }

    /// The two transport keys: the initiator sends with the first, the responder with the second.
    func split() -> (first: SecretBytes, second: SecretBytes) {
        NoiseKeyDerivation.derive(chainingKey: chainingKey, input: nil)
    }

    private static func cipher(_ key: SecretBytes) -> ChaChaPoly {
        guard let cipher = ChaChaPoly(key: key) else {
            preconditionFailure("a derived key of \(key.count) bytes")
        }
        return cipher
    }
}
