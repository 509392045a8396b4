internal import Cryptography

/// One message between peers, read and bounded, but with nothing verified yet.
enum Message: Hashable, Sendable {
    case hello(Hello)
    case refuse(RejectReason)
    case status(StatusReport)
    case join(SignedJoin)
    case leave(SignedLeave)
    case announcement(SignedAnnouncement)
    case propose(Propose)
    case commit(Commit)
    case viewChange(ViewChange, proposal: Proposal?)
    case decision(Decision)
    case result(SignedResult)
    case chainRequest(fromHeight: UInt64)
    case chain([[UInt8]])
    case manifestRequest
    case manifestReply([UInt8])
    case stateRequest
    case stateReply(StateReply)
    case roster(RosterShare)
    /// News of memberships, and what all that the sender knows come to.
    case membership(MembershipShare, digest: Digest)
}

/// The first message on a connection.
struct Hello: Hashable, Sendable {
    let protocolVersion: UInt32
    let manifestDigest: Digest
    let baseModelDigest: Digest
    let publicKey: PublicKey
    let height: UInt64
    let headDigest: Digest
    /// The sender's certificate; `nil` for an issuer and in an open federation.
    var membership: MembershipChain?

    /// Checks that who sent it takes part in that federation, with the key of the connection.
    ///
    /// - Throws: the reason to refuse the peer.
    func check(manifest: Digest, baseModel: Digest, sender: PublicKey) throws(RejectReason) {
        guard protocolVersion == FederationProtocol.version else { throw .protocolVersion }
        guard manifestDigest == manifest else { throw .manifestMismatch }
        guard baseModelDigest == baseModel else { throw .baseModelMismatch }
        guard publicKey == sender else { throw .malformed }
    }
}

/// A proposer's signed proposal for a view, with what allows it in views above 0.
struct Propose: Hashable, Sendable {
    let view: UInt64
    let proposal: Proposal
    let signature: [UInt8]
    let justification: [ViewChange]

    var ballot: Ballot {
        Ballot(height: proposal.height, view: view, proposalDigest: proposal.digest)
    }
}

/// A member's signed commit.
struct Commit: Hashable, Sendable {
    let ballot: Ballot
    let member: PublicKey
    let signature: [UInt8]
}

/// A proposal with the certificate that decides it.
struct Decision: Hashable, Sendable {
    let proposal: Proposal
    let certificate: CommitCertificate
}

/// A member's signature over a result statement, with what the receiver cannot derive.
struct SignedResult: Hashable, Sendable {
    let height: UInt64
    let proposalDigest: Digest
    let sumDigest: Digest
    let adapterDigest: ObjectID
    let membersDigest: Digest
    let member: PublicKey
    let signature: [UInt8]
}

/// The heartbeat: where a peer stands, and by its masks what it lacks.
struct StatusReport: Hashable, Sendable {
    var height: UInt64
    var headDigest: Digest
    var view: UInt64 = 0
    var holdsProposal = false
    var isDecided = false
    var isLeaving = false
    var isFinished = false
    var holdsAdapter = false
    var announcements: UInt64 = 0
    var viewChanges: UInt64 = 0
    var commits: UInt64 = 0
    var results: UInt64 = 0
    var secondsPerStep: Double = 0
    var bytesPerSecond: Double = 0
    var abstention: AbsenceReason?
    /// Since the next height began.
    var secondsInHeight: Double = 0
}

/// A node's newest announced state, for one that catches up.
struct StateReply: Hashable, Sendable {
    let latest: SignedAnnouncement?
    /// The asking node's own newest announcement, in case it has forgotten.
    let yours: SignedAnnouncement?
}

/// Some memberships, ended ones too.
struct RosterShare: Hashable, Sendable {
    /// What one message holds: far below the frame's bound.
    static let countMax = 128

    var joins: [SignedJoin] = []
    var leaves: [SignedLeave] = []
}
