internal import Cryptography
internal import Federation
internal import Foundation
internal import LibP2P

/// `starling.json` of a node's own adapter: what it is, and the one signature that vouches for it.
struct OwnAdapterCertificate: ExportFile {
    private let version = 1
    private let isCertified = false
    private let note = """
        This is one node's own adapter from gossip rounds. No quorum has certified it: the signature \
        says that this node holds it, and the node's log how it came about (starling audit).
        """
    private let federation: String
    private let manifestDigest: String
    private let manifest: String
    private let round: UInt64
    private let roundCount: UInt64
    private let peer: String
    private let adapterDigest: String
    private let consensusDistance: Double?
    private let meanNorm: Double?
    private let memberCount: Int
    private let statement: String
    private let signature: String

    private enum CodingKeys: String, CodingKey {
        case version, note, federation, manifest, round, peer, statement, signature
        case isCertified = "certified"
        case manifestDigest = "manifest_digest"
        case roundCount = "rounds"
        case adapterDigest = "adapter_digest"
        case consensusDistance = "consensus_distance"
        case meanNorm = "mean_norm"
        case memberCount = "members"
    }

    init(manifest signed: SignedManifest, snapshot: GossipSnapshot, signer: SigningKey) {
        let bytes = OwnAdapterStatement.bytes(
            manifest: signed.digest, member: signer.publicKey, round: snapshot.round,
            adapter: snapshot.adapterDigest)
        federation = signed.manifest.name
        manifestDigest = signed.digest.hexadecimal
        manifest = Data(signed.bytes).base64EncodedString()
        round = snapshot.round
        roundCount = snapshot.roundCount
        peer = PeerID(publicKey: signer.publicKey).description
        adapterDigest = snapshot.adapterDigest.hexadecimal
        consensusDistance = snapshot.distance?.value
        meanNorm = snapshot.distance?.meanNorm
        memberCount = snapshot.members.count
        statement = Data(bytes).base64EncodedString()
        signature = Data(signer.signature(for: bytes)).base64EncodedString()
    }
}
