internal import Cryptography
internal import Federation
internal import GossipLog

/// The name and the key of a node's gossip log.
enum NodeLog {
    /// The origin: the federation and the member, so that no two logs share a name.
    static func origin(federation: Digest, member: PublicKey) -> String {
        "starling/\(federation.hexadecimal.prefix(32))/\(member)"
    }

    /// What signs the tree heads of this node.
    static func signer(
        manifest: SignedManifest, identity: SigningKey
    ) throws(NodeError) -> NoteSigner {
        do {
            return try NoteSigner(
                name: origin(federation: manifest.digest, member: identity.publicKey),
                signingKey: identity
            )
        } catch {
            throw NodeError(.storage, "The log has no valid name.", cause: error)
        }
    }

    /// What verifies the tree heads of a member.
    static func key(manifest: SignedManifest, member: PublicKey) throws(NodeError) -> NoteKey {
        do {
            return try NoteKey(
                name: origin(federation: manifest.digest, member: member),
                algorithm: .ed25519, publicKey: member
            )
        } catch {
            throw NodeError(.verificationFailed, "The log has no valid name.", cause: error)
        }
    }

    /// The member whose log has that origin; nil where it is no log of a member.
    static func member(origin: String) -> PublicKey? {
        let parts = origin.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Hexadecimal.decode(String(parts[2])) else {
            return nil
        }
        return PublicKey(bytes: bytes)
    }

    /// The key with which a node cosigns the heads of others: one of its own, so that no signature
    /// of the log stands for a cosignature, nor the other way round.
    static func cosigningKey(identity: SigningKey) -> SigningKey {
        identity.derivedKey(domain: "starling/witness-key/1")
    }
}
