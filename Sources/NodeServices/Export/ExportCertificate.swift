internal import Cryptography
internal import Federation
internal import Foundation
internal import LibP2P

/// `starling.json`: what an adapter is and who vouches for it.
///
/// The signatures are over the statement's bytes, which name the manifest, the round, the sum and
/// the adapter digest; `entry` is the whole certified entry, for whoever wants to check the
/// participants and their announcements too.
struct ExportCertificate: Encodable {
    /// In a secure round nobody knows a participant's examples or update.
    private struct Participant: Encodable {
        let peer: String
        var examples: Int?
        var update: String?
    }

    private struct Secure: Encodable {
        let examples: Int
        let members: Int
        let total: String
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
    private let secure: Secure?

    private enum CodingKeys: String, CodingKey {
        case version, federation, manifest, round, height, participants, absences, statement
        case certificate, entry, secure
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
        participants =
            entry.proposal.participants.map {
                Participant(
                    peer: peer($0.summary.member), examples: $0.summary.exampleCount,
                    update: $0.summary.objectID.hexadecimal
                )
            }
            + (entry.proposal.secure?.participants ?? []).map { Participant(peer: peer($0)) }
        if case .summed(let summary) = entry.proposal.secure {
            secure = Secure(
                examples: Int(summary.weight), members: summary.memberCount,
                total: summary.totalDigest.hexadecimal)
        } else {
            secure = nil
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
