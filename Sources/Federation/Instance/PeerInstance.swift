public import Cryptography

/// One node's part in the protocol: events in, directives out.
///
/// A value without clock, network, files or threads. Given the same restored state and the same
/// events with the same times it returns the same directives. After every event it takes each
/// step that has become possible, in a fixed order; see ``step()``.
public struct PeerInstance: Sendable {
    let signer: any MessageSigner
    let baseModelDigest: Digest
    let manifest: SignedManifest
    /// `nil` where rounds are not secure.
    let secureSetup: SecureRoundSetup?
    var admission: AdmissionInstance

    var chain: ChainState
    var current: HeightState

    /// The certificate that this node was started with, until it is on record.
    var ownMembership: MembershipChain?
    var peers: [PublicKey: PeerState] = [:]
    var pendingJoins: [PublicKey: PendingJoin] = [:]
    var pendingLeaves: [PublicKey: SignedLeave] = [:]
    var finishedPeers: Set<PublicKey> = []
    var isLeaving = false
    var hasDeparted = false

    /// Whether the chain's adapter is in the object store.
    var holdsAdapter = false
    /// The height whose adapter was adopted last; `nil` before the first adoption.
    var adoptedHeight: UInt64?
    var adapterFetch: FetchState?

    var training: TrainingState?
    /// The own update that no secure round has taken yet.
    var secureContribution: SecureContribution?
    /// The records of the height's secure round.
    var secureRecords: [String: [UInt8]] = [:]
    var secondsPerStep = 0.0
    var bytesPerSecond = 0.0
    /// What members last told of themselves; it outlasts their connections.
    var measured: [PublicKey: Measured] = [:]

    var nextStatusAt: Timestamp
    var nextJoinAt: Timestamp
    var nextChainRequestAt: Timestamp
    var belowQuorumSince: Timestamp?
    var hasReportedBelowQuorum = false
    var hasReportedEveryFinal = false
    var reportedMemberCount: Int?
    var reportedRefusals: Set<RefusalKey> = []
    var reportedLate: Set<LateKey> = []

    var now: Timestamp
    var output: [Directive] = []

    /// A member's own word of its speed.
    struct Measured: Sendable {
        let secondsPerStep: Double
        let bytesPerSecond: Double
    }

    /// A peer and why it was refused, to log each pair once.
    struct RefusalKey: Hashable, Sendable {
        let member: PublicKey
        let reason: RejectReason
    }

    /// A member's late update, to log each once.
    struct LateKey: Hashable, Sendable {
        let member: PublicKey
        let round: UInt64
    }

    /// Bounds of what peers can make a node remember.
    enum Limits {
        /// Pending joins: as many as a federation can have members.
        static let pendingJoinCount = Manifest.memberCountMax
        /// Peers that are tracked: members, and as many again that sync or want to join.
        static let peerCount = 4 * Manifest.memberCountMax
        /// Remembered refusals and late updates; beyond it they are no longer told apart.
        static let reportCount = 1024
    }

    /// This node's key.
    var own: PublicKey { signer.publicKey }
    /// Whether this node is a member at the height that is being decided.
    var isMember: Bool { chain.isMember(own) }

    /// Restores a node from its durable state; the first event must be `started`.
    ///
    /// A manifest of secure rounds needs the setup for them, one with issuers that for admission.
    ///
    /// - Throws: `RestoreError`, which always means damage or a foreign store.
    public init(
        restored: RestoredState, baseModelDigest: Digest, signer: any MessageSigner,
        secureSetup: SecureRoundSetup? = nil, admission: AdmissionSetup? = nil, now: Timestamp
    ) throws(RestoreError) {
        precondition(
            restored.manifest.manifest.secure == nil || secureSetup != nil,
            "secure rounds without their setup")
        guard restored.manifest.manifest.baseModelDigest == baseModelDigest else {
            throw .baseModelMismatch
        }
        self.signer = signer
        self.baseModelDigest = baseModelDigest
        self.secureSetup = secureSetup
        self.now = now
        manifest = restored.manifest
        self.admission = try AdmissionInstance(
            manifest: restored.manifest, signer: signer, setup: admission,
            records: restored.records, now: now)
        chain = try Self.replay(restored)
        current = HeightState(chain: chain, now: now)
        nextStatusAt = now
        nextJoinAt = now
        nextChainRequestAt = now
        try restoreRecords(restored.records)
        ownMembership = admission?.membership
    }

    /// Takes one event and returns what the shell is to do, in order.
    public mutating func handle(_ event: Event, now: Timestamp) -> [Directive] {
        self.now = max(now, self.now)
        switch event {
        case .started:
            startAdmission()
            if let secure = manifest.manifest.secure, secure.allowsSmallGroups {
                emit(.notify(.smallGroups(memberMinimum: secure.memberMinimum)))
            }
        case .tick: tickSecureRound()
        case .connected(let peer): connected(peer)
        case .disconnected(let peer): forget(peer)
        case .received(let peer, let bytes): received(bytes, from: peer)
        case .receivedFrame(let peer, let bytes): receivedFrame(bytes, from: peer)
        case .trainingProgressed(let round, let stepsDone, let seconds):
            trainingProgressed(round: round, stepsDone: stepsDone, secondsPerStep: seconds)
        case .updateReady(let round, let summary): updateReady(round: round, summary: summary)
        case .contributionReady(let round, let contribution):
            contributionReady(round: round, contribution)
        case .trainingFailed(let round, let reason):
            if round == current.round { current.ownAbstention = reason }
            if training?.round == round { training = nil }
        case .objectFetched(let objectID, let outcome): fetched(objectID, outcome)
        case .objectFetchFailed(let objectID): fetchFailed(objectID)
        case .aggregated(let height, let outcome): aggregated(height: height, outcome)
        case .aggregationFailed(let height):
            guard height == current.height else { break }
            if agreesOnSum, current.secure.sum != nil { sumAggregationFailed() }
            current.decided?.isAggregating = false
            current.decided?.retryAt = self.now.adding(seconds: 2)
        case .sumRefused(let height, let reason): sumRefused(height: height, reason)
        case .leaveRequested: leave()
        case .measuredTransferRate(let rate): noteTransferRate(rate)
        case .membershipLearned(let share): act(on: admission.learn(share))
        case .membershipRequested(let id, let peer, let bytes):
            answerMembership(id: id, from: peer, bytes)
        case .stateReady, .mixed, .mixFailed:
            preconditionFailure("a federation that certifies has no states of its members' own")
        }
        step()
        defer { output.removeAll() }
        return output
    }

    /// Takes every step that is possible now.
    ///
    /// Each part looks at the state only and does nothing twice, so the order of events does not
    /// matter to what is reached. A certified entry opens the next height, hence the loop: every
    /// turn but the last raises the height by one.
    private mutating func step() {
        repeat {
            takeOverAdapter()
            runSecureRound()
            directTraining()
            orderFetches()
            propose()
            commit()
            decide()
            aggregate()
            signResult()
        } while certify()
        changeViewIfOverdue()
        propose()
        report()
        if now >= nextStatusAt {
            nextStatusAt = now.adding(seconds: Timing.statusSeconds)
            sendStatus(to: peers.keys.sorted())
            if isLeaving { sendLeave() }
            tickAdmission()
        }
        askToJoin()
    }

    mutating func emit(_ directive: Directive) {
        output.append(directive)
    }

    /// The connected members but this one.
    var connectedMembers: [PublicKey] {
        current.members.filter { $0 != own && peers[$0]?.isUsable == true }
    }

    mutating func sendToMembers(_ message: Message) {
        send(message, to: connectedMembers)
    }
}
