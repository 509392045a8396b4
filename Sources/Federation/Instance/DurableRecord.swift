internal import Cryptography

/// The keys of the durable records and their layouts.
enum DurableRecord {
    /// Promise and commit: height (8), promised view (8), 1 if committed (1), then committed
    /// view (8) and proposal (length 4).
    static let agreement = "agreement"
    /// The bytes of the statement that this node signed as the result of the height.
    static let result = "result"
    /// The sum of the height's secure round and the adapter made of it; ``SecureHeight/Held``.
    static let secureSum = "secure-sum"
    /// The object id (32) of the adapter that is adopted and in the store.
    static let adapter = "adapter"

    /// A member's announcement for the round, as its message bytes.
    static func announcement(_ member: PublicKey) -> String { "announcement/\(member)" }

    /// An update of the round whose bytes are here: its summary as an announcement's statement.
    static func update(_ objectID: ObjectID) -> String { "update/\(objectID)" }

    // Of a federation with issuers.

    /// The certificate of a node that counts; ``MembershipChain/bytes``.
    static func certificate(_ node: PublicKey) -> String { "\(certificatePrefix)\(node)" }
    /// The revocation of a certificate; ``SignedRevocation/bytes``.
    static func revocation(_ id: Digest) -> String { "\(revocationPrefix)\(id)" }
    /// The key of an invite (32), a count (4) and the nodes that used it (32 each).
    static func inviteUses(_ invite: PublicKey) -> String { "\(inviteUsePrefix)\(invite)" }

    static let admissionPrefix = "admission/"
    static let certificatePrefix = "admission/certificate/"
    static let revocationPrefix = "admission/revocation/"
    static let inviteUsePrefix = "admission/invite/"

    // Of a federation that gossips.

    /// A ``GossipProgress``.
    static let progress = "gossip/progress"
    /// The own state's object id (32), then its announcement as message bytes.
    static let ownState = "gossip/own"
    /// The own newest announcement as message bytes.
    static let ownAnnouncement = "gossip/announced"
    /// The object ids of past rounds; ``RetainedRound``.
    static let retained = "gossip/retained"

    /// A signed join, and the leave that ended it, as message bytes.
    static func roster(_ member: PublicKey) -> String { "\(rosterPrefix)\(member)" }
    /// A member's newest state that was taken in, as message bytes.
    static func taken(_ member: PublicKey) -> String { "\(takenPrefix)\(member)" }
    /// The same while it waits for a mean.
    static func input(_ member: PublicKey) -> String { "\(inputPrefix)\(member)" }
    /// A member that announced two states in one round.
    static func equivocator(_ member: PublicKey) -> String { "\(equivocatorPrefix)\(member)" }

    static let rosterPrefix = "gossip/roster/"
    static let takenPrefix = "gossip/taken/"
    static let inputPrefix = "gossip/input/"
    static let equivocatorPrefix = "gossip/equivocator/"

    static let announcementPrefix = "announcement/"
    static let updatePrefix = "update/"

    struct Agreement {
        var height: UInt64
        var promisedView: UInt64
        var committed: (view: UInt64, proposal: Proposal)?

        var bytes: [UInt8] {
            var writer = CanonicalWriter()
            writer.write(height)
            writer.write(promisedView)
            writer.write(UInt8(committed == nil ? 0 : 1))
            if let committed {
                writer.write(committed.view)
                writer.write(prefixed: committed.proposal.canonicalBytes)
            }
            return writer.bytes
        }

        init(height: UInt64, promisedView: UInt64, committed: (view: UInt64, proposal: Proposal)?) {
            self.height = height
            self.promisedView = promisedView
            self.committed = committed
        }

        init(bytes: [UInt8]) throws(CanonicalError) {
            var reader = CanonicalReader(bytes)
            height = try reader.read()
            promisedView = try reader.read()
            if try reader.readBool() {
                let view = try reader.read(UInt64.self)
                let proposal = try reader.readPrefixed(max: Proposal.byteCountMax)
                committed = (view, try Proposal(canonicalBytes: proposal))
            }
            try reader.finish()
        }
    }

    /// Three digests or keys, two numbers of 8 bytes and one of 4.
    static let summaryByteCount = 3 * 32 + 2 * 8 + 4

    static func bytes(of summary: UpdateSummary) -> [UInt8] {
        var writer = CanonicalWriter()
        writer.write(raw: summary.objectID.bytes)
        writer.write(raw: summary.member.bytes)
        writer.write(summary.round)
        writer.write(raw: summary.baseAdapterDigest.bytes)
        writer.write(count: summary.exampleCount)
        writer.write(UInt64(summary.byteCount))
        return writer.bytes
    }

    static func summary(bytes: [UInt8]) throws(CanonicalError) -> UpdateSummary {
        var reader = CanonicalReader(bytes)
        let objectID = try reader.readDigest()
        let member = try reader.readKey()
        let round = try reader.read(UInt64.self)
        let base = try reader.readDigest()
        let exampleCount = Int(try reader.read(UInt32.self))
        let offset = reader.offset
        guard let byteCount = Int(exactly: try reader.read(UInt64.self)) else {
            throw .malformed(offset: offset)
        }
        try reader.finish()
        return UpdateSummary(
            objectID: objectID, member: member, round: round, baseAdapterDigest: base,
            exampleCount: exampleCount, byteCount: byteCount)
    }

}
