internal import Cryptography
internal import Federation
internal import Foundation
internal import GossipLog
internal import Storage
internal import Tensors

/// Puts together what an export carries beside the adapter itself.
struct ExportWriter {
    let store: NodeStore
    let manifest: SignedManifest

    /// The name of the file with the document.
    static let documentName = "starling.json"
    /// The name of the file with the tensors of the certified state that the adapter's own file
    /// lacks; there is none where it lacks none.
    static let restName = "starling.rest"

    /// The document for a certified round.
    ///
    /// - Throws: ``NodeError``: `verificationFailed` where the chain or the log doesn't hold it.
    func document(height: UInt64) async throws(NodeError) -> ExportDocument {
        let entries = try await store.entries().filter { $0.height <= height }
        var chain = ChainState(genesis: manifest)
        var certificate: RoundCertificate?
        for entry in entries {
            do {
                try chain.verify(entry)
            } catch {
                throw NodeError(
                    .verificationFailed,
                    "The stored entry of height \(entry.height) doesn't hold: \(error.sentence)")
            }
            certificate = RoundCertificate(entry, after: chain)
            chain.apply(entry)
        }
        guard let certificate, certificate.statement.height == height else {
            throw NodeError(.verificationFailed, "The entry of height \(height) is missing.")
        }
        return ExportDocument(
            claims: .init(certificate, manifest: manifest), manifest: manifest, chain: entries,
            log: try await log(of: certificate))
    }

    /// The bytes of ``restName`` for a file with these tensors; nil where they are all there are.
    static func rest(of state: NamedTensors, beside written: NamedTensors) -> [UInt8]? {
        let rest = state.elements.filter { written[$0.name] == nil }
        return rest.isEmpty ? nil : AdapterStateCodec.encode(NamedTensors(rest))
    }

    /// The leaves about the round with their proofs, under the newest tree head, or under the one
    /// that others cosigned where the round is below it.
    private func log(
        of certificate: RoundCertificate
    ) async throws(NodeError) -> ExportDocument.Log {
        guard let identity = try await store.setting(SettingKey.identity),
            let member = PublicKey(bytes: identity)
        else {
            throw NodeError(.notFound, "The node has kept no log yet: nothing can be proven.")
        }
        let key = try NodeLog.key(manifest: manifest, member: member)
        let cosigned = try await store.cosignedTreeHead()
        let found = try await store.read { (transaction) throws(StorageError) in
            let indices = try Self.indices(
                about: certificate, in: transaction, size: try transaction.logTree().size)
            let notes = [cosigned, try transaction.latestTreeHead()].compactMap { $0 }
            let head = notes.compactMap { try? SignedTreeHead(bytes: $0, key: key) }
                .first { $0.head.size > indices.last ?? .max }
            var entries: [ExportDocument.Log.Entry] = []
            let proofs =
                try head.map { (head) throws(StorageError) in
                    try transaction.inclusionProofs(of: indices, size: head.head.size)
                } ?? []
            for proof in proofs {
                guard let leaf = try transaction.logLeaf(proof.index) else { continue }
                entries.append(
                    .init(
                        index: proof.index, leaf: Data(leaf).base64EncodedString(),
                        proof: proof.hashes.map { Data($0.bytes).base64EncodedString() }))
            }
            return (head: head, entries: entries)
        }
        guard let head = found.head, !found.entries.isEmpty else {
            throw NodeError(
                .verificationFailed,
                "The log does not hold the entry of round \(certificate.statement.round).")
        }
        let witnesses = try await store.witnessKeys(manifest: manifest)
            .filter { key in head.note.signatures.contains { $0.keyID == key.key.id } }
        return ExportDocument.Log(
            key: key.description, treeHead: String(decoding: head.bytes, as: UTF8.self),
            witnesses: witnesses.map { String(decoding: $0.bytes, as: UTF8.self) },
            entries: found.entries)
    }

    /// The leaf of the certified entry, and those of its participants' announcements before it.
    private static func indices(
        about certificate: RoundCertificate, in transaction: borrowing ReadTransaction, size: UInt64
    ) throws(StorageError) -> [UInt64] {
        let wanted = Set(certificate.participation.participants.map(\.summary))
        var indices: [UInt64] = []
        var index = size
        while index > 0 {
            index -= 1
            guard let bytes = try transaction.logLeaf(index), let leaf = try? LogLeaf(bytes: bytes),
                let record = try? LogRecordReader.read(leaf.payload)
            else { continue }
            switch record {
            case .certified(let result, _):
                if result == certificate.statement { indices.append(index) }
                // What is before the entry before is about other rounds.
                if result.height < certificate.statement.height { return indices.reversed() }
            case .update(3, let summary) where wanted.contains(summary):
                indices.append(index)
            default: continue
            }
        }
        return indices.reversed()
    }
}
