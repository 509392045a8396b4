internal import Cryptography
internal import Federation
internal import Foundation
internal import LibP2P

/// `starling.json`: what an adapter is and who vouches for it, for people and for `starling verify`.
///
/// `manifest`, `chain` and `log` prove everything; all other fields say again what follows from
/// them, and a document where they say something else is refused.
struct ExportDocument: ExportFile, Codable, Hashable {
    /// A member whose update is in the sum, with its weight and the address of its update, which
    /// nobody knows of a secure round's.
    struct Participant: Codable, Hashable {
        let peer: String
        let examples: Int?
        let update: String?
    }

    /// What a secure round's sum is of, all members together.
    struct Secure: Codable, Hashable {
        let examples: Int
        let members: Int
        let total: String
    }

    /// A member whose update is not in the sum.
    struct Absence: Codable, Hashable {
        let peer: String
        let reason: String
    }

    /// A member's signature over `statement`.
    struct Signature: Codable, Hashable {
        let peer: String
        let signature: String
    }

    /// Leaves of the exporting node's log with proofs that they are in it.
    struct Log: Codable, Hashable {
        /// A leaf and its proof.
        struct Entry: Codable, Hashable {
            let index: UInt64
            let leaf: String
            let proof: [String]
        }

        let key: String
        let treeHead: String
        /// The cosigning keys of members, with what binds them to those.
        let witnesses: [String]
        let entries: [Entry]

        private enum CodingKeys: String, CodingKey {
            case key, witnesses, entries
            case treeHead = "tree_head"
        }
    }

    /// What a document says in the fields that follow from others.
    struct Claims: Codable, Hashable {
        let federation: String
        let manifestDigest: String
        let round: UInt64
        let height: UInt64
        let adapterDigest: String
        let sumDigest: String
        let participants: [Participant]
        let secure: Secure?
        let absences: [Absence]
        let statement: String
        let threshold: Int
        let certificate: [Signature]

        private enum CodingKeys: String, CodingKey {
            case federation, round, height, participants, secure, absences, statement, threshold
            case certificate
            case manifestDigest = "manifest_digest"
            case adapterDigest = "adapter_digest"
            case sumDigest = "sum_digest"
        }
    }

    /// The version that this program writes and reads.
    static let currentVersion = 2
    /// The longest document that is read: some ten thousand rounds of a small federation.
    static let byteCountMax = 64 << 20

    let version: Int
    let claims: Claims
    let manifest: String
    /// Every certified entry up to this round's, from height 1 on.
    let chain: [String]
    let log: Log

    private enum CodingKeys: String, CodingKey {
        case version, manifest, chain, log
    }

    init(claims: Claims, manifest: SignedManifest, chain: [CertifiedEntry], log: Log) {
        version = Self.currentVersion
        self.claims = claims
        self.manifest = Data(manifest.bytes).base64EncodedString()
        self.chain = chain.map { Data($0.bytes).base64EncodedString() }
        self.log = log
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(Int.self, forKey: .version)
        guard version == Self.currentVersion else {
            throw DecodingError.dataCorruptedError(
                forKey: .version, in: container,
                debugDescription: "version \(version), not \(Self.currentVersion)")
        }
        claims = try Claims(from: decoder)
        manifest = try container.decode(String.self, forKey: .manifest)
        chain = try container.decode([String].self, forKey: .chain)
        log = try container.decode(Log.self, forKey: .log)
    }

    func encode(to encoder: any Encoder) throws {
        try claims.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(manifest, forKey: .manifest)
        try container.encode(chain, forKey: .chain)
        try container.encode(log, forKey: .log)
    }
}

extension ExportDocument.Claims {
    /// What a certificate says, in words.
    init(_ certificate: RoundCertificate, manifest signed: SignedManifest) {
        func peer(_ key: PublicKey) -> String { PeerID(publicKey: key).description }
        let statement = certificate.statement
        federation = signed.manifest.name
        manifestDigest = signed.digest.hexadecimal
        round = statement.round
        height = statement.height
        adapterDigest = statement.adapterDigest.hexadecimal
        sumDigest = statement.sumDigest.hexadecimal
        let participation = certificate.participation
        participants =
            participation.participants.map {
                .init(
                    peer: peer($0.summary.member), examples: $0.summary.exampleCount,
                    update: $0.summary.objectID.hexadecimal)
            }
            + (participation.secure?.participants ?? []).map {
                .init(peer: peer($0), examples: nil, update: nil)
            }
        if case .summed(let summary) = participation.secure {
            secure = ExportDocument.Secure(
                examples: Int(summary.weight), members: summary.memberCount,
                total: summary.totalDigest.hexadecimal)
        } else {
            secure = nil
        }
        absences = participation.absences.map {
            .init(peer: peer($0.member), reason: $0.reason.sentence)
        }
        self.statement = Data(statement.bytes).base64EncodedString()
        threshold = certificate.threshold
        self.certificate = certificate.signatures.map {
            .init(peer: peer($0.member), signature: Data($0.signature).base64EncodedString())
        }
    }

    /// A field that says something else than what was certified.
    struct Difference: Equatable {
        let field: String
        let claimed: String
        let certified: String
    }

    /// The first field that says something else than `certified`; nil where none does.
    func firstDifference(from certified: ExportDocument.Claims) -> Difference? {
        func compare<Value: Equatable>(
            _ field: String, _ path: KeyPath<Self, Value>
        ) -> Difference? {
            let (claimed, right) = (self[keyPath: path], certified[keyPath: path])
            return claimed == right
                ? nil : Difference(field: field, claimed: "\(claimed)", certified: "\(right)")
        }
        func compareItems<Item: Equatable>(
            _ field: String, _ path: KeyPath<Self, [Item]>
        ) -> Difference? {
            Self.firstDifference(field, self[keyPath: path], certified[keyPath: path])
        }
        let found: [Difference?] = [
            compare("federation", \.federation), compare("manifest_digest", \.manifestDigest),
            compare("round", \.round), compare("height", \.height),
            compare("adapter_digest", \.adapterDigest), compare("sum_digest", \.sumDigest),
            compareItems("participants", \.participants), compare("secure", \.secure),
            compareItems("absences", \.absences),
            compare("statement", \.statement), compare("threshold", \.threshold),
            compareItems("certificate", \.certificate),
        ]
        return found.compactMap { $0 }.first
    }

    private static func firstDifference<Item: Equatable>(
        _ field: String, _ claimed: [Item], _ certified: [Item]
    ) -> Difference? {
        for (index, pair) in zip(claimed, certified).enumerated() where pair.0 != pair.1 {
            return Difference(
                field: "\(field)[\(index)]", claimed: "\(pair.0)", certified: "\(pair.1)")
        }
        guard claimed.count != certified.count else { return nil }
        return Difference(
            field: field, claimed: "\(claimed.count) items", certified: "\(certified.count)")
    }
}
