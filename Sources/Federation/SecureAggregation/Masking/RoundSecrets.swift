internal import Cryptography

/// A member's secrets of one round, all of them in guarded memory and nowhere else.
///
/// They are drawn once, before the join, and wiped with their last owner. A node that restarts
/// has lost them, which is meant: it is a dropout of the round.
public struct RoundSecrets: Sendable {
    /// The key pair under which shares are sent.
    let exchange: AgreementKey
    /// The secret sk from which the pair masks come.
    let maskKey: SecretScalar
    /// The secret b from which the own mask comes.
    let selfKey: SecretScalar
    /// Where coefficients and nonces come from.
    let dealSeed: SecretBytes
    /// The member's part of the next beacon; public.
    let contribution: [UInt8]

    /// Draws fresh secrets from the system's randomness.
    public static func fresh() -> RoundSecrets {
        RoundSecrets(
            exchange: AgreementKey(), maskKey: .random(), selfKey: .random(),
            dealSeed: .random(count: 32), contribution: SystemRandom.bytes(16))
    }

    /// The polynomials that share sk and b among the group.
    func polynomials(group: Digest, threshold: Int) -> [SecretPolynomial] {
        [(maskKey, "psa1/coefficient/sk"), (selfKey, "psa1/coefficient/b")].map {
            (secret, domain: StaticString) in
            var writer = CanonicalWriter(domain: domain)
            writer.write(raw: group.bytes)
            return SecretPolynomial(
                secret: secret, threshold: threshold, seed: dealSeed, domain: writer.bytes)
        }
    }

    /// The nonce for a recipient: fresh for every key, since the key lives for one round.
    func nonce(group: Digest, to recipient: Int) -> [UInt8] {
        var writer = CanonicalWriter(domain: "psa1/nonce")
        writer.write(raw: group.bytes)
        writer.write(littleEndian: UInt16(recipient))
        return KeyedDerivation.blake2b(
            key: dealSeed, message: writer.bytes, byteCount: XChaChaPoly.nonceByteCount
        ).copyBytes()
    }
}
