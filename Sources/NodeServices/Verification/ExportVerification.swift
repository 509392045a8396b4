internal import Checkpoints
public import Cryptography
public import Federation
internal import Foundation
internal import GossipLog
internal import LibP2P
internal import Tensors

/// Checks an exported adapter with nothing but its folder and, where it is at hand, the manifest.
///
/// 1. The chain: every certified entry from the manifest to the round, with a quorum's signatures.
/// 2. The certificate: at least a threshold of the members signed manifest, round, participants, sum
///    and adapter; every field of the document says what was signed.
/// 3. The log: a tree head that the exporting node signed, and proofs that the round's entry and
///    announcements are below it.
/// 4. The adapter: its bytes have the certified digest, its settings are the manifest's.
public struct ExportVerification: Sendable {
    /// The signed manifest that the folder carries.
    public let manifest: SignedManifest
    /// What the members signed.
    public let certificate: RoundCertificate
    /// The node whose log the proofs are from.
    public let logMember: PublicKey
    /// The entries of that log under the tree head.
    public let logSize: UInt64
    /// The members who cosigned that tree head: it continues what they saw before.
    public let cosigners: [PublicKey]
    /// The leaves whose proofs hold.
    public let provenLeafCount: Int
    /// Whether the folder holds the adapter's own tensors, and they are the certified ones; not so in
    /// a merged model, whose weights a digest of the adapter can't tell.
    public let holdsAdapter: Bool

    /// Checks a folder that `starling export` wrote.
    ///
    /// `manifest` is the digest of the manifest that the reader trusts; nil trusts the one in the
    /// folder, which its author signed.
    /// - Throws: ``NodeError``: `verificationFailed` with the first reason, `notFound` where the
    ///   folder has no document, `storage` where it can't be read.
    public static func verify(
        folder: String, manifest expected: Digest? = nil
    ) throws(NodeError) -> ExportVerification {
        let path = FileSystem.join(folder, ExportWriter.documentName)
        let document = try document(at: path)
        let manifest = try signedManifest(document.manifest)
        if let expected, manifest.digest != expected {
            throw refused("the manifest is \(manifest.digest), not \(expected)")
        }
        let (certificate, members) = try certificate(in: document.chain, manifest: manifest)
        if let found = document.claims.firstDifference(
            from: .init(certificate, manifest: manifest))
        {
            throw refused(
                "\(found.field) says \(found.claimed), but \(found.certified) was certified")
        }
        let log = try ExportLogCheck(
            log: document.log, manifest: manifest, certificate: certificate, members: members
        ).run()
        let holdsAdapter = try ExportAdapterCheck(
            folder: folder, manifest: manifest.manifest,
            digest: certificate.statement.adapterDigest
        ).run()
        return ExportVerification(
            manifest: manifest, certificate: certificate, logMember: log.member,
            logSize: log.size, cosigners: log.cosigners,
            provenLeafCount: document.log.entries.count,
            holdsAdapter: holdsAdapter)
    }

    static func refused(_ reason: String) -> NodeError {
        NodeError(.verificationFailed, "The export does not hold: \(reason).")
    }

    /// Bytes from base64.
    ///
    /// - Throws: `verificationFailed`, naming the field.
    static func bytes(_ text: String, _ field: String) throws(NodeError) -> [UInt8] {
        guard let data = Data(base64Encoded: text) else {
            throw refused("\(field) is not base64")
        }
        return [UInt8](data)
    }

    private static func document(at path: String) throws(NodeError) -> ExportDocument {
        let bytes: [UInt8]
        do {
            guard try FileSystem.kind(of: path) == .plainFile else {
                throw NodeError(
                    .notFound, "\(path) is not there: 'starling export' writes it.")
            }
            bytes = try FileSystem.read(path, byteCountMax: ExportDocument.byteCountMax)
        } catch let error as NodeError {
            throw error
        } catch {
            throw NodeError(.storage, "\(path) can't be read.", cause: error)
        }
        do {
            return try JSONDecoder().decode(ExportDocument.self, from: Data(bytes))
        } catch {
            throw NodeError(
                .verificationFailed, "\(path) is no certificate of this version.", cause: error)
        }
    }

    private static func signedManifest(_ text: String) throws(NodeError) -> SignedManifest {
        do {
            return try SignedManifest(bytes: try bytes(text, "manifest"))
        } catch let error as NodeError {
            throw error
        } catch {
            throw refused("its manifest is not signed by its author, or can't be read: \(error)")
        }
    }

    /// Follows the chain, and returns the certificate of its end with everybody who was ever a
    /// member.
    private static func certificate(
        in chain: [String], manifest: SignedManifest
    ) throws(NodeError) -> (RoundCertificate, Set<PublicKey>) {
        var state = ChainState(genesis: manifest)
        var members = Set(state.members)
        var last: (certificate: RoundCertificate, members: [PublicKey])?
        for (index, text) in chain.enumerated() {
            let bytes = try bytes(text, "chain[\(index)]")
            do {
                let entry = try CertifiedEntry(bytes: bytes)
                try state.verify(entry)
                last = (RoundCertificate(entry, after: state), state.members)
                state.apply(entry)
                members.formUnion(state.members)
            } catch let reason as RejectReason {
                throw refused("chain[\(index)]: \(reason.sentence.dropLast())")
            } catch {
                throw refused("chain[\(index)] can't be read: \(error)")
            }
        }
        guard let last else { throw refused("its chain is empty") }
        do {
            try last.certificate.verify(manifest: manifest.digest, members: last.members)
        } catch {
            throw refused("its certificate: \(error)")
        }
        return (last.certificate, members)
    }
}
