package import Cryptography

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
        RoundSecrets(seed: .random(count: 32))
    }

    /// Derives every secret from a seed of 32 bytes that serves for one round of one member.
    package init(seed: SecretBytes) {
        func derived(_ domain: StaticString, byteCount: Int) -> SecretBytes {
            KeyedDerivation.blake2b(
                key: seed, message: CanonicalWriter(domain: domain).bytes, byteCount: byteCount)
        }
        guard
            let exchange = AgreementKey(secret: derived("psa1/secret/kx", byteCount: 32))
        else { preconditionFailure("32 bytes make no key") }
        self.exchange = exchange
        maskKey = SecretScalar(reducing: derived("psa1/secret/sk", byteCount: 64))
        selfKey = SecretScalar(reducing: derived("psa1/secret/b", byteCount: 64))
        dealSeed = derived("psa1/secret/deal", byteCount: 32)
        contribution = derived("psa1/secret/beacon", byteCount: 16).copyBytes()
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

    /// Which shard's owner this member checks; `nil` in all but one of n rounds.
    func auditedShard(group: Digest, memberCount: Int, shardCount: Int) -> Int? {
        var writer = CanonicalWriter(domain: "psa1/audit")
        writer.write(raw: group.bytes)
        let draw = KeyedDerivation.blake2b(
            key: dealSeed, message: writer.bytes, byteCount: 16
        ).copyBytes()
        // Of 64 bits so few are lost to the remainder that the chances are even.
        let numbers = [draw[..<8], draw[8...]].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        guard numbers[0] % UInt64(memberCount) == 0 else { return nil }
        return Int(numbers[1] % UInt64(shardCount))
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
