internal import Cryptography
internal import Federation
internal import GossipLog

/// Checks that an export's round stands in the log of the node that exported it.
struct ExportLogCheck {
    let log: ExportDocument.Log
    let manifest: SignedManifest
    let certificate: RoundCertificate
    /// Everybody who was ever a member.
    let members: Set<PublicKey>

    /// What the log proves.
    struct Outcome {
        let member: PublicKey
        let size: UInt64
        /// The members whose cosignatures stand under the tree head.
        let cosigners: [PublicKey]
    }

    /// Checks the tree head with its cosignatures, then leaf by leaf.
    ///
    /// - Throws: ``NodeError`` with code `verificationFailed`.
    func run() throws(NodeError) -> Outcome {
        let key: NoteKey
        do {
            key = try NoteKey(text: log.key)
        } catch {
            throw ExportVerification.refused("log.key can't be read: \(error)")
        }
        guard members.contains(key.publicKey),
            try NodeLog.key(manifest: manifest, member: key.publicKey) == key
        else {
            throw ExportVerification.refused("its log is that of no member: \(key)")
        }
        let signed: SignedTreeHead
        do {
            signed = try SignedTreeHead(bytes: Array(log.treeHead.utf8), key: key)
        } catch {
            throw ExportVerification.refused("its tree head is not signed by the log: \(error)")
        }
        var holdsEntry = false
        for (index, entry) in log.entries.enumerated() {
            let field = "log.entries[\(index)]"
            let leaf = try ExportVerification.bytes(entry.leaf, field + ".leaf")
            try verify(entry, leaf, field, under: signed.head)
            if try isCertifiedEntry(leaf, field) { holdsEntry = true }
        }
        guard holdsEntry else {
            throw ExportVerification.refused("no leaf of its log is the round's entry")
        }
        return Outcome(
            member: key.publicKey, size: signed.head.size, cosigners: try cosigners(of: signed))
    }

    private func cosigners(of head: SignedTreeHead) throws(NodeError) -> [PublicKey] {
        var keys: [NoteKey] = []
        for (index, text) in log.witnesses.enumerated() {
            let origin = String(text.prefix { $0 != "+" })
            guard let member = NodeLog.member(origin: origin), members.contains(member) else {
                throw ExportVerification.refused("log.witnesses[\(index)] is no member")
            }
            do {
                let log = try NodeLog.key(manifest: manifest, member: member)
                keys.append(try WitnessKey(bytes: Array(text.utf8), log: log).key)
            } catch {
                throw ExportVerification.refused(
                    "log.witnesses[\(index)] is not that member's: \(error)")
            }
        }
        do {
            return try head.cosigners(among: keys).compactMap {
                NodeLog.member(origin: $0.key.name)
            }
        } catch {
            throw ExportVerification.refused("a cosignature does not hold: \(error)")
        }
    }

    private func verify(
        _ entry: ExportDocument.Log.Entry, _ leaf: [UInt8], _ field: String, under head: TreeHead
    ) throws(NodeError) {
        var hashes: [Digest] = []
        for text in entry.proof {
            guard let hash = Digest(bytes: try ExportVerification.bytes(text, field + ".proof"))
            else { throw ExportVerification.refused("\(field).proof holds no hash") }
            hashes.append(hash)
        }
        do {
            try InclusionProof(index: entry.index, treeSize: head.size, hashes: hashes)
                .verify(leafHash: MerkleTree.leafHash(leaf), root: head.root)
        } catch {
            throw ExportVerification.refused(
                "\(field) is not in the log under its tree head: \(error)")
        }
    }

    /// Whether the leaf is the round's entry; otherwise it must be an announcement of the round.
    private func isCertifiedEntry(_ bytes: [UInt8], _ field: String) throws(NodeError) -> Bool {
        do {
            switch try LogRecordReader.read(try LogLeaf(bytes: bytes).payload) {
            case .certified(let statement, let proposal)
            where statement == certificate.statement && proposal == certificate.participation:
                return true
            case .update(3, let summary)
            where certificate.participation.participants.contains { $0.summary == summary }:
                return false
            default: break
            }
        } catch {
            throw ExportVerification.refused("\(field).leaf can't be read: \(error)")
        }
        throw ExportVerification.refused("\(field) is about something else than the round")
    }
}
