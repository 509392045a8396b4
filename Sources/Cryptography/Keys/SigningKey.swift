internal import CSodium

/// An Ed25519 key pair whose secret half lies in guarded memory.
///
/// Source: RFC 8032.
public final class SigningKey: Sendable {
    /// The length of the seed that determines the key pair.
    public static let seedByteCount = 32

    /// The public half.
    public let publicKey: PublicKey
    /// Seed (32 bytes), then public key (32 bytes), as libsodium keeps it.
    private let secret: SecretBytes

    private init(checked seed: SecretBytes) {
        var publicBytes = [UInt8](repeating: 0, count: PublicKey.byteCount)
        secret = unsafe SecretBytes.filled(count: 64) { memory in
            let code = unsafe seed.withPointer {
                unsafe crypto_sign_seed_keypair(&publicBytes, memory, $0)
            }
            precondition(code == 0, "crypto_sign_seed_keypair returned \(code)")
        }
        guard let key = PublicKey(bytes: publicBytes) else {
            fatalError("a public key of \(publicBytes.count) bytes")
        }
        publicKey = key
    }

    /// Derives the key pair from a seed of exactly 32 bytes; nil for any other count.
    public convenience init?(seed: [UInt8]) {
        guard seed.count == Self.seedByteCount else { return nil }
        self.init(checked: SecretBytes(copying: seed))
    }

    /// Derives the key pair from a guarded seed of exactly 32 bytes; nil for any other count.
    public convenience init?(seed: SecretBytes) {
        guard seed.count == Self.seedByteCount else { return nil }
        self.init(checked: seed)
    }

    /// Makes a fresh key pair.
    public static func generate() -> SigningKey {
        SigningKey(checked: SecretBytes.random(count: seedByteCount))
    }

    /// Another key pair that follows from this one: its seed is BLAKE2b-256 of the domain and a zero
    /// byte, keyed with the 64 secret bytes.
    ///
    /// Nothing about the one follows from the other's public half or signatures.
    public func derivedKey(domain: String) -> SigningKey {
        SigningKey(
            checked: KeyedDerivation.blake2b(key: secret, message: Array(domain.utf8) + [0]))
    }

    /// The signature (64 bytes) over the message; the same bytes each time.
    public func signature(for message: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: PublicKey.signatureByteCount)
        let code = unsafe secret.withPointer {
            unsafe crypto_sign_detached(&output, nil, message, UInt64(message.count), $0)
        }
        precondition(code == 0, "crypto_sign_detached returned \(code)")
        return output
    }

    /// Lends the 32 secret bytes to `body`; the pointer must not leave it.
    public func withSeed<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe secret.withUnsafeBytes { (bytes) throws(Failure) in
            try unsafe body(UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.seedByteCount)))
        }
    }

    /// The 32 secret bytes as an ordinary array, which is neither guarded nor wiped: for writing
    /// key files and for tests.
    public func copySeed() -> [UInt8] {
        unsafe withSeed { unsafe Array($0) }
    }
}
