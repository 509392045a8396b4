internal import Adapters
internal import Checkpoints
public import Cryptography
internal import Federation
internal import Foundation
internal import LibP2P
internal import Storage
internal import Tensors

/// Writes the consensus adapter where other programs can use it.
public enum ConsensusExport {
    /// What was written.
    public struct Report: Sendable {
        /// The round whose adapter it is.
        public let round: UInt64
        /// The adapter's digest.
        public let adapterDigest: Digest
        /// The members whose updates are in that round.
        public let participants: [PublicKey]
        /// The signatures of the certificate.
        public let signatureCount: Int
    }

    /// Writes a PEFT folder with the certificate beside it, in `starling.json`.
    ///
    /// The folder appears whole or not at all.
    /// - Throws: ``NodeError``: `notFound` before the first certified round, `verificationFailed`
    ///   when the stored adapter isn't the certified one, `storage` when it can't be written.
    public static func writePEFT(
        home: NodeHome, to path: String
    ) async throws(NodeError) -> Report {
        let store = try NodeStore(home: home, access: .readOnly)
        let status = try await NodeStatus.read(home: home, store: store)
        guard let entry = try await store.entries().last(where: { $0.proposal.round > 0 }) else {
            throw NodeError(.notFound, "No round is certified yet: there is nothing to export.")
        }
        let digest = entry.result.adapterDigest
        let bytes = try await store.requiredObject(digest)
        guard ContentAddress.id(of: bytes) == digest else {
            throw NodeError(.verificationFailed, "The stored adapter is not the certified one.")
        }
        let library = ModelLibrary(store: store)
        guard
            let record = try await library.record(status.manifest.manifest.baseModelDigest)
        else {
            throw NodeError(.notFound, "The base model is not in the store.")
        }
        let adapter = LoRAAdapter(
            configuration: try status.manifest.manifest.loraConfiguration(),
            model: record.configuration, seed: 0
        )
        let json = try ExportCertificate(manifest: status.manifest, entry: entry).json
        do {
            adapter.parameters = try AdapterStateCodec.decode(
                bytes, layout: AdapterLayout(of: adapter.parameters)
            )
            try PEFTFolder.write(
                adapter.peft(baseModelName: status.manifest.manifest.baseModelName), to: path,
                extraFiles: ["starling.json": json]
            )
        } catch {
            throw NodeError(.storage, "The adapter can't be written to \(path).", cause: error)
        }
        return Report(
            round: entry.proposal.round, adapterDigest: digest,
            participants: entry.proposal.participants.map(\.summary.member),
            signatureCount: entry.signatures.count
        )
    }
}

/// `starling.json`: what an adapter is and who vouches for it.
///
/// The signatures are over the statement's bytes, which name the manifest, the round, the sum and
/// the adapter digest; `entry` is the whole certified entry, for whoever wants to check the
/// participants and their announcements too.
struct ExportCertificate: Encodable {
    private struct Participant: Encodable {
        let peer: String
        let examples: Int
        let update: String
    }

    private struct Absence: Encodable {
        let peer: String
        let reason: String
    }

    private struct Signature: Encodable {
        let peer: String
        let signature: String
    }

    private let version = 1
    private let federation: String
    private let manifestDigest: String
    private let manifest: String
    private let round: UInt64
    private let height: UInt64
    private let adapterDigest: String
    private let sumDigest: String
    private let participants: [Participant]
    private let absences: [Absence]
    private let statement: String
    private let certificate: [Signature]
    private let entry: String

    private enum CodingKeys: String, CodingKey {
        case version, federation, manifest, round, height, participants, absences, statement
        case certificate, entry
        case manifestDigest = "manifest_digest"
        case adapterDigest = "adapter_digest"
        case sumDigest = "sum_digest"
    }

    init(manifest signed: SignedManifest, entry: CertifiedEntry) {
        func peer(_ key: PublicKey) -> String { PeerID(publicKey: key).description }
        federation = signed.manifest.name
        manifestDigest = signed.digest.hexadecimal
        manifest = Data(signed.bytes).base64EncodedString()
        round = entry.proposal.round
        height = entry.height
        adapterDigest = entry.result.adapterDigest.hexadecimal
        sumDigest = entry.result.sumDigest.hexadecimal
        participants = entry.proposal.participants.map {
            Participant(
                peer: peer($0.summary.member), examples: $0.summary.exampleCount,
                update: $0.summary.objectID.hexadecimal
            )
        }
        absences = entry.proposal.absences.map {
            Absence(peer: peer($0.member), reason: $0.reason.sentence)
        }
        statement = Data(entry.result.bytes).base64EncodedString()
        certificate = entry.signatures.map {
            Signature(
                peer: peer($0.member), signature: Data($0.signature).base64EncodedString()
            )
        }
        self.entry = Data(entry.bytes).base64EncodedString()
    }

    /// The file's bytes.
    var json: [UInt8] {
        get throws(NodeError) {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            do {
                return [UInt8](try encoder.encode(self)) + [0x0A]
            } catch {
                throw NodeError(.storage, "The certificate can't be written.", cause: error)
            }
        }
    }
}
