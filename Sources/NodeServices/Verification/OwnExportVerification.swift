internal import Checkpoints
public import Cryptography
public import Federation
internal import Foundation
internal import LibP2P

/// Checks the export of a node's own adapter, from a federation that certifies nothing.
///
/// It shows which node vouches for the bytes, and no more.
public struct OwnExportVerification: Sendable {
    /// The signed manifest that the folder carries.
    public let manifest: SignedManifest
    /// The node that signed.
    public let member: PublicKey
    /// Its last round.
    public let round: UInt64
    /// The digest of the adapter.
    public let adapterDigest: Digest
    /// Whether the folder holds the adapter's own tensors, and they are the signed ones.
    public let holdsAdapter: Bool

    /// The fields of the document that count; the others say the same in words.
    private struct Document: Decodable {
        let certified: Bool
        let manifest: String
        let round: UInt64
        let peer: String
        let adapterDigest: String
        let signature: String

        private enum CodingKeys: String, CodingKey {
            case certified, manifest, round, peer, signature
            case adapterDigest = "adapter_digest"
        }
    }

    /// The longest document that is read.
    private static let byteCountMax = 1 << 20

    /// Whether a folder's document says that nobody but one node vouches for it.
    public static func isOwn(folder: String) -> Bool {
        (try? document(in: folder))?.certified == false
    }

    /// Checks a folder.
    ///
    /// `expected` is the digest of the manifest that the reader trusts; nil trusts the folder's.
    /// - Throws: ``NodeError`` with code `verificationFailed` and the reason.
    public static func verify(
        folder: String, manifest expected: Digest? = nil
    ) throws(NodeError) -> OwnExportVerification {
        let document: Document
        do {
            document = try self.document(in: folder)
        } catch {
            throw NodeError(
                .verificationFailed, "The document in \(folder) can't be read.", cause: error)
        }
        let manifest: SignedManifest
        do {
            manifest = try SignedManifest(
                bytes: ExportVerification.bytes(document.manifest, "manifest"))
        } catch {
            throw ExportVerification.refused(
                "its manifest is not signed by its author, or can't be read: \(error)")
        }
        if let expected, manifest.digest != expected {
            throw ExportVerification.refused(
                "the manifest is \(manifest.digest), not \(expected)")
        }
        guard let member = PeerID(text: document.peer)?.publicKey,
            let digest = Digest(hexadecimal: document.adapterDigest)
        else { throw ExportVerification.refused("peer or adapter_digest can't be read") }
        let statement = OwnAdapterStatement.bytes(
            manifest: manifest.digest, member: member, round: document.round, adapter: digest)
        let signature = try ExportVerification.bytes(document.signature, "signature")
        guard member.isValidSignature(signature, for: statement) else {
            throw ExportVerification.refused("the node's signature does not fit its statement")
        }
        let holdsAdapter = try ExportAdapterCheck(
            folder: folder, manifest: manifest.manifest, digest: digest
        ).run()
        return OwnExportVerification(
            manifest: manifest, member: member, round: document.round, adapterDigest: digest,
            holdsAdapter: holdsAdapter)
    }

    private static func document(in folder: String) throws -> Document {
        let path = FileSystem.join(folder, ExportWriter.documentName)
        let bytes = try FileSystem.read(path, byteCountMax: byteCountMax)
        return try JSONDecoder().decode(Document.self, from: Data(bytes))
    }
}
