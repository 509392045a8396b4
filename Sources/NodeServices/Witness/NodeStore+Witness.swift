internal import Cryptography
internal import Federation
internal import Foundation
internal import GossipLog
internal import Storage

/// What a node knows of the logs of others, and who cosigned its own.
///
/// Lies among the settings: `log/cosigned`, and by member `log/seen/`, `log/witness/`, `log/fork/`.
extension NodeStore {
    private static let cosignedKey = "log/cosigned"

    private static func key(_ kind: String, _ member: PublicKey) -> String {
        "log/\(kind)/\(member)"
    }

    /// The note of the newest own head with cosignatures; nil before any.
    func cosignedTreeHead() throws(NodeError) -> [UInt8]? { try setting(Self.cosignedKey) }

    /// The newest own head, with cosignatures where it has any; nil for a log without entries.
    func publishedTreeHead() throws(NodeError) -> [UInt8]? {
        let latest = try read { (transaction) throws(StorageError) in
            try transaction.latestTreeHead()
        }
        guard let latest, let cosigned = try cosignedTreeHead() else { return latest }
        guard let text = (try? SignedNote(bytes: latest))?.text, cosigned.starts(with: text) else {
            return latest
        }
        return cosigned
    }

    /// Keeps a head with the cosignatures under it.
    func setCosignedTreeHead(_ note: [UInt8]) throws(NodeError) {
        try setSetting(Self.cosignedKey, note)
    }

    /// The note of the last head that this node cosigned for a member's log; nil before any.
    func seenTreeHead(of member: PublicKey) throws(NodeError) -> [UInt8]? {
        try setting(Self.key("seen", member))
    }

    /// Remembers a head before it is cosigned, if the last one is still the one that was judged.
    ///
    /// - Returns: whether it was.
    func setSeenTreeHead(
        _ note: [UInt8], of member: PublicKey, after last: [UInt8]?
    ) throws(NodeError) -> Bool {
        let key = Self.key("seen", member)
        return try write { (transaction) throws(StorageError) in
            guard try transaction.setting(key) == last else { return false }
            try transaction.putSetting(key, note)
            return true
        }
    }

    /// Keeps a member's cosigning key.
    func setWitnessKey(_ bytes: [UInt8], of member: PublicKey) throws(NodeError) {
        let key = Self.key("witness", member)
        guard try setting(key) != bytes else { return }
        try setSetting(key, bytes)
    }

    /// The cosigning keys of members that are known.
    func witnessKeys(manifest: SignedManifest) throws(NodeError) -> [WitnessKey] {
        let prefix = "log/witness/"
        let rows = try read { (transaction) throws(StorageError) in
            try transaction.settings(prefix: prefix)
        }
        var keys: [WitnessKey] = []
        for row in rows {
            guard let bytes = Hexadecimal.decode(String(row.key.dropFirst(prefix.count))),
                let member = PublicKey(bytes: bytes),
                let witness = try? WitnessKey(
                    bytes: row.bytes, log: NodeLog.key(manifest: manifest, member: member))
            else { continue }
            keys.append(witness)
        }
        return keys
    }

    /// Keeps a proof that a member's log has two histories, once for a member, in the own log too.
    ///
    /// - Returns: whether it was new.
    func addFork(_ evidence: ForkEvidence, of member: PublicKey) throws(NodeError) -> Bool {
        let key = Self.key("fork", member)
        guard try setting(key) == nil else { return false }
        try carryOut([.appendLog(.logFork(member: member, evidence: evidence.bytes))])
        try setSetting(key, evidence.bytes)
        return true
    }

    /// The proofs of forked logs that this node has.
    func forks() throws(NodeError) -> [[UInt8]] {
        try read { (transaction) throws(StorageError) in
            try transaction.settings(prefix: "log/fork/").map(\.bytes)
        }
    }
}
