internal import Cryptography

/// The heartbeat: what a member holds, so that others send what it lacks.
///
/// Nothing is decided by it. The sender is its position among the candidates.
struct SecureStatus: SecureBody {
    static let kind = SecureFrame.Kind.status
    var round: UInt64
    var manifestDigest: Digest
    /// Candidates whose join is here.
    var joins = MemberSet()
    /// The group; zero bytes before there is one.
    var group = SecureFrame.noGroup
    var rosterView = 0
    var isGroupFinal = false
    var rosterAcks = MemberSet()
    var deals = MemberSet()
    /// Dealers whose share is here.
    var shares = MemberSet()
    var dealAcks = MemberSet()
    var hasSurvivors = false
    var maskCommits = MemberSet()
    var view = 0
    var hasContributors = false
    var receipts = MemberSet()
    /// Shards (from 1) whose partial sum is signed, and whose words are here.
    var partials = MemberSet()
    var sums = MemberSet()
    /// The digest of all partial sums; zero bytes while one is missing.
    var partialsDigest = SecureFrame.noGroup
    var commits = MemberSet()
    var reveals = MemberSet()
    var results = MemberSet()
    /// The shards that the sender owns, with the contributors it holds.
    var ownedShards: [SecureReceipt.Entry] = []

    init(round: UInt64, manifestDigest: Digest) {
        self.round = round
        self.manifestDigest = manifestDigest
    }

    func write(to writer: inout CanonicalWriter) {
        writer.write(raw: manifestDigest.bytes)
        writer.write(littleEndian: round)
        writer.write(joins)
        writer.write(raw: group)
        writer.write(index: rosterView)
        writer.write(UInt8(isGroupFinal ? 1 : 0))
        for set in [rosterAcks, deals, shares, dealAcks] { writer.write(set) }
        writer.write(UInt8(hasSurvivors ? 1 : 0))
        writer.write(maskCommits)
        writer.write(index: view)
        writer.write(UInt8(hasContributors ? 1 : 0))
        for set in [receipts, partials, sums, commits, reveals, results] { writer.write(set) }
        writer.write(raw: partialsDigest)
        SecureReceipt(shards: ownedShards).write(to: &writer)
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        manifestDigest = try reader.readDigest()
        round = try reader.readLittleEndian()
        joins = try reader.readSet()
        group = try reader.read(rawCount: Digest.byteCount)
        rosterView = try reader.readIndex()
        isGroupFinal = try reader.readBool()
        rosterAcks = try reader.readSet()
        deals = try reader.readSet()
        shares = try reader.readSet()
        dealAcks = try reader.readSet()
        hasSurvivors = try reader.readBool()
        maskCommits = try reader.readSet()
        view = try reader.readIndex()
        hasContributors = try reader.readBool()
        receipts = try reader.readSet()
        partials = try reader.readSet()
        sums = try reader.readSet()
        commits = try reader.readSet()
        reveals = try reader.readSet()
        results = try reader.readSet()
        partialsDigest = try reader.read(rawCount: Digest.byteCount)
        ownedShards = try SecureReceipt(reading: &reader).shards
    }
}
