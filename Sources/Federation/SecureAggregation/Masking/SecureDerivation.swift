internal import Cryptography

/// The hashes and seeds of a secure round, each with a domain of its own.
///
/// Integers are little-endian; a domain is its ASCII text and a zero byte.
enum SecureDerivation {
    /// The group's name R: BLAKE2b-256 over the roster, keyed with the network key where there is
    /// one.
    static func groupID(rosterBytes: [UInt8], networkKey: SecretBytes?) -> Digest {
        guard let networkKey else { return Hashing.blake2b256(rosterBytes) }
        let keyed = KeyedDerivation.blake2b(key: networkKey, message: rosterBytes)
        guard let digest = Digest(bytes: keyed.copyBytes()) else {
            preconditionFailure("a BLAKE2b-256 of \(keyed.count) bytes")
        }
        return digest
    }

    /// The seed of the mask that two members share.
    static func pairSeed(
        sharedSecret: SecretBytes, group: Digest, _ first: Int, _ second: Int
    ) -> SecretBytes {
        var writer = CanonicalWriter(domain: "psa1/pair")
        writer.write(raw: group.bytes)
        writer.write(littleEndian: UInt16(min(first, second)))
        writer.write(littleEndian: UInt16(max(first, second)))
        return KeyedDerivation.blake2b(key: sharedSecret, message: writer.bytes)
    }

    /// The seed of a member's own mask.
    static func selfSeed(secret: SecretScalar, group: Digest, member: Int) -> SecretBytes {
        var writer = CanonicalWriter(domain: "psa1/self")
        writer.write(raw: group.bytes)
        writer.write(littleEndian: UInt16(member))
        return KeyedDerivation.blake2b(key: secret.secret, message: writer.bytes)
    }

    /// What a share's ciphertext is bound to.
    static func shareContext(group: Digest, from: Int, to: Int) -> [UInt8] {
        var writer = CanonicalWriter(domain: "psa1/share")
        writer.write(raw: group.bytes)
        writer.write(littleEndian: UInt16(from))
        writer.write(littleEndian: UInt16(to))
        return writer.bytes
    }

    /// The hash of the survivors as one proposer listed them, which every mask commit repeats.
    static func survivorsDigest(group: Digest, view: Int, body: [UInt8]) -> Digest {
        var writer = CanonicalWriter(domain: "psa1/set2")
        writer.write(raw: group.bytes)
        writer.write(littleEndian: UInt16(view))
        writer.write(raw: body)
        return Hashing.blake2b256(writer.bytes)
    }

    /// hY: the hash of the hashes of all partial sums, in the order of the shards.
    static func sumDigest(_ partials: [Digest]) -> Digest {
        Hashing.blake2b256(partials.flatMap(\.bytes))
    }
}
