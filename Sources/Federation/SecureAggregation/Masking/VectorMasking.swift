internal import Cryptography

/// Masks on a vector and off its sum.
///
/// y_i = q_i + PRG(self_i) + sum over j > i of PRG(s_ij) - sum over j < i of PRG(s_ij), modulo
/// 2^32; i and j are indices of survivors.
///
/// Source: Bonawitz et al., "Practical Secure Aggregation", CCS 2017, section 4.
enum VectorMasking {
    /// The masks of one member over all survivors.
    static func masks(
        of member: Int, secrets: RoundSecrets, survivors: MemberSet, keys: [RistrettoPoint],
        group: Digest
    ) throws(CryptographyError) -> [MaskGenerator.Mask] {
        var masks = [
            MaskGenerator.Mask(
                seed: SecureDerivation.selfSeed(
                    secret: secrets.selfKey, group: group, member: member),
                isSubtracted: false)
        ]
        for other in survivors.indices where other != member {
            masks.append(
                .init(
                    seed: try pairSeed(
                        secrets.maskKey, of: member, with: other, key: keys[other - 1],
                        group: group),
                    isSubtracted: other < member))
        }
        return masks
    }

    /// What is to be taken off the sum of the participants' masked vectors: every participant's
    /// own mask, and the masks that participants share with those who dropped out.
    static func openingMasks(
        participants: MemberSet, selfKeys: [Int: SecretScalar], dropped: [Int: SecretScalar],
        keys: [RistrettoPoint], group: Digest
    ) throws(CryptographyError) -> [MaskGenerator.Mask] {
        var masks: [MaskGenerator.Mask] = []
        for member in participants.indices {
            guard let secret = selfKeys[member] else {
                preconditionFailure("no own mask of participant \(member)")
            }
            masks.append(
                .init(
                    seed: SecureDerivation.selfSeed(secret: secret, group: group, member: member),
                    isSubtracted: true))
        }
        for (gone, secret) in dropped.sorted(by: { $0.key < $1.key }) {
            for member in participants.indices {
                let seed = try pairSeed(
                    secret, of: gone, with: member, key: keys[member - 1], group: group)
                // The participant added it where its own index is the lower one.
                masks.append(.init(seed: seed, isSubtracted: member < gone))
            }
        }
        return masks
    }

    private static func pairSeed(
        _ secret: SecretScalar, of member: Int, with other: Int, key: RistrettoPoint,
        group: Digest
    ) throws(CryptographyError) -> SecretBytes {
        SecureDerivation.pairSeed(
            sharedSecret: try secret.sharedSecret(with: key), group: group, member, other)
    }
}
