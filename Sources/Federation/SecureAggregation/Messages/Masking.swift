internal import Cryptography

/// M4, broadcast: the hashes of the shards of a masked vector.
struct SecureMaskCommit: SecureBody {
    static let kind = SecureFrame.Kind.maskCommit
    let survivorsDigest: Digest
    let shardHashes: [Digest]

    init(survivorsDigest: Digest, shardHashes: [Digest]) {
        self.survivorsDigest = survivorsDigest
        self.shardHashes = shardHashes
    }

    func write(to writer: inout CanonicalWriter) {
        writer.write(raw: survivorsDigest.bytes)
        writer.write(index: shardHashes.count)
        for hash in shardHashes { writer.write(raw: hash.bytes) }
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        survivorsDigest = try reader.readDigest()
        let count = try reader.readItemCount(
            max: SecureThresholds.memberCountMax, itemByteCount: Digest.byteCount)
        var hashes: [Digest] = []
        for _ in 0..<count { hashes.append(try reader.readDigest()) }
        shardHashes = hashes
    }
}

/// M5: which shards of whom a member holds, whether it owns them or not.
struct SecureReceipt: SecureBody {
    static let kind = SecureFrame.Kind.receipt
    /// Ascending shards.
    let shards: [Entry]

    struct Entry: Hashable, Sendable {
        let shard: Int
        let contributors: MemberSet
    }

    init(shards: [Entry]) { self.shards = shards }

    func contributors(of shard: Int) -> MemberSet {
        shards.first { $0.shard == shard }?.contributors ?? MemberSet()
    }

    func write(to writer: inout CanonicalWriter) {
        writer.write(index: shards.count)
        for entry in shards {
            writer.write(index: entry.shard)
            writer.write(entry.contributors)
        }
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        let count = try reader.readItemCount(
            max: SecureThresholds.memberCountMax, itemByteCount: 10)
        var shards: [Entry] = []
        for _ in 0..<count {
            shards.append(
                Entry(shard: try reader.readIndex(), contributors: try reader.readSet()))
        }
        self.shards = shards
    }
}

/// M5, from the view's proposer: the participants U and the owner of each shard.
struct SecureContributors: SecureBody {
    static let kind = SecureFrame.Kind.contributors
    let participants: MemberSet
    let owners: [Int]

    init(participants: MemberSet, owners: [Int]) {
        self.participants = participants
        self.owners = owners
    }

    func write(to writer: inout CanonicalWriter) {
        writer.write(participants)
        writer.write(index: owners.count)
        for owner in owners { writer.write(index: owner) }
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        participants = try reader.readSet()
        let count = try reader.readItemCount(
            max: SecureThresholds.memberCountMax, itemByteCount: 2)
        var owners: [Int] = []
        for _ in 0..<count { owners.append(try reader.readIndex()) }
        self.owners = owners
    }
}

/// A member's wish to see the masked shards that an owner summed.
struct SecureAudit: SecureBody {
    static let kind = SecureFrame.Kind.audit
    let shard: Int

    init(shard: Int) { self.shard = shard }
    func write(to writer: inout CanonicalWriter) { writer.write(index: shard) }
    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        shard = try reader.readIndex()
    }
}

/// M6: the hash of a shard's sum over the view's participants.
struct SecurePartial: SecureBody {
    static let kind = SecureFrame.Kind.partial
    let shard: Int
    let participants: MemberSet
    let digest: Digest

    init(shard: Int, participants: MemberSet, digest: Digest) {
        self.shard = shard
        self.participants = participants
        self.digest = digest
    }

    func write(to writer: inout CanonicalWriter) {
        writer.write(index: shard)
        writer.write(participants)
        writer.write(raw: digest.bytes)
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        shard = try reader.readIndex()
        participants = try reader.readSet()
        digest = try reader.readDigest()
    }
}
