internal import Cryptography
internal import Federation
internal import GossipLog
internal import Storage

/// What of gossip outlives the process.
struct AnnouncementMemory {
    /// Sequence numbers of this node up to this may have been used.
    var ownFloor: UInt64 = 0
    /// Sequence numbers of each author up to this have been seen.
    var floors: [PublicKey: UInt64] = [:]
    /// The newest tree head of each member.
    var treeHeads: [PublicKey: SignedTreeHead] = [:]

    /// Eight bytes, high byte first.
    static func bytes(of number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
    }

    /// The number in eight bytes; nil for another count.
    static func number(in bytes: [UInt8]) -> UInt64? {
        bytes.count == 8 ? bytes.reduce(0) { $0 << 8 | UInt64($1) } : nil
    }
}

extension NodeStore {
    /// What an earlier run has kept; what can't be read is left out, as it only guards against old
    /// messages.
    func announcementMemory(
        manifest: SignedManifest
    ) throws(NodeError) -> AnnouncementMemory {
        var memory = AnnouncementMemory()
        memory.ownFloor =
            try setting(SettingKey.gossipFloor).flatMap(AnnouncementMemory.number) ?? 0
        for (key, bytes) in try settings(prefix: SettingKey.authorFloor) {
            guard let author = Self.author(in: key, behind: SettingKey.authorFloor),
                let floor = AnnouncementMemory.number(in: bytes)
            else { continue }
            memory.floors[author] = floor
        }
        for (key, bytes) in try settings(prefix: SettingKey.memberTreeHead) {
            guard let author = Self.author(in: key, behind: SettingKey.memberTreeHead),
                let noteKey = try? NodeLog.key(manifest: manifest, member: author),
                let head = try? SignedTreeHead(bytes: bytes, key: noteKey)
            else { continue }
            memory.treeHeads[author] = head
        }
        return memory
    }

    /// Keeps what gossip has told, in one transaction.
    func keepAnnouncementMemory(
        floors: [PublicKey: UInt64], treeHeads: [PublicKey: SignedTreeHead]
    ) throws(NodeError) {
        try write { (transaction) throws(StorageError) in
            for (author, floor) in floors {
                try transaction.putSetting(
                    SettingKey.authorFloor + Hexadecimal.encode(author.bytes),
                    AnnouncementMemory.bytes(of: floor))
            }
            for (author, head) in treeHeads {
                try transaction.putSetting(
                    SettingKey.memberTreeHead + Hexadecimal.encode(author.bytes), head.bytes)
            }
        }
    }

    /// Keeps the proof that a member's log forks: both notes, the first before the second.
    func keepContradiction(
        _ contradiction: AnnouncementJudge.Contradiction
    ) throws(NodeError) {
        var writer = CanonicalWriter(domain: "starling/log-fork/1")
        writer.write(prefixed: contradiction.first)
        writer.write(prefixed: contradiction.second)
        try setSetting(
            SettingKey.logFork + Hexadecimal.encode(contradiction.author.bytes), writer.bytes)
    }

    /// The newest signed tree head of this node's log; nil before the first.
    func latestTreeHead() throws(NodeError) -> [UInt8]? {
        try read { (transaction) throws(StorageError) in try transaction.latestTreeHead() }
    }

    private func settings(
        prefix: String
    ) throws(NodeError) -> [(key: String, bytes: [UInt8])] {
        try read { (transaction) throws(StorageError) in
            try transaction.settings(prefix: prefix)
        }
    }

    private static func author(in key: String, behind prefix: String) -> PublicKey? {
        Hexadecimal.decode(String(key.dropFirst(prefix.count))).flatMap(PublicKey.init(bytes:))
    }
}
