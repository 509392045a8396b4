public import Cryptography

/// One node's part in a federation that gossips: events in, directives out.
///
/// Each round a node trains from its own state, announces the outcome to a few drawn members, which
/// pull it, and averages what others announced to it. Nobody waits for anybody and nothing is
/// certified. Rounds only grow: after a mean the own round is at least what
/// ``StalenessShares/newestRound(own:others:)`` makes of the states in it, so a node that was away
/// goes on where the others are.
///
/// A value without clock, network, files or threads, like ``PeerInstance``. What a node has said is
/// durable before the message leaves, so that after a crash it says the same again.
public struct GossipInstance: Sendable {
    let signer: any MessageSigner
    let baseModelDigest: Digest
    let manifest: SignedManifest
    let retainedRoundCount: Int
    var admission: AdmissionInstance
    /// The certificate that this node was started with, until it is on record.
    var ownMembership: MembershipChain?

    var roster = GossipRoster()
    var peers: [PublicKey: PeerState] = [:]
    var progress: GossipProgress
    /// Whether the own state is in the object store.
    var holdsState = false
    var hasAdopted = false
    var stateFetch: FetchState?

    /// The round in training or publication.
    var training: TrainingState?
    /// A round whose training gave nothing: its state goes on as it is.
    var untrainedRound: UInt64?
    var trainingRetryAt: Timestamp
    var ownState: OwnState?
    var ownAnnouncement: SignedAnnouncement?
    /// What the last mean was made of, to be shown to others.
    var lastInputs: [SignedAnnouncement] = []
    /// The newest round that others remember of this node, beyond what its store does.
    var roundFloor: UInt64 = 0

    var inputs: [PublicKey: GossipInput] = [:]
    var seen: [PublicKey: SeenMember] = [:]
    var equivocators: Set<PublicKey> = []
    var mixing: Mixing?
    var mixRetryAt: Timestamp?
    var catchUp: CatchUp?
    var nextCatchUpAt: Timestamp
    var retained: [RetainedRound] = []

    /// Nodes whose membership is news and goes to some peers with the next tick.
    var rosterNews: Set<PublicKey> = []
    var rosterSharedAt: [PublicKey: Timestamp] = [:]
    var nextHeartbeatAt: Timestamp
    var heartbeatCount = 0
    var finishedPeers: Set<PublicKey> = []
    var isLeaving = false
    var hasReportedEnd = false
    var hasReportedEveryFinal = false
    var reportedMemberCount: Int?
    var reportedRefusals: Set<PeerInstance.RefusalKey> = []
    var secondsPerStep = 0.0

    var now: Timestamp
    var output: [Directive] = []

    /// Bounds of what peers can make a node remember.
    enum Limits {
        /// Peers that are tracked.
        static let peerCount = GossipRoster.countMax
        /// Remembered refusals.
        static let reportCount = 1024
        /// Up to so many members everybody is worth a connection.
        static let meshMemberCount = 16
        /// Neighbours on the ring of keys, on each side.
        static let neighborCount = 2
    }

    /// This node's key.
    var own: PublicKey { signer.publicKey }
    var settings: Manifest.ExchangeSettings { manifest.manifest.exchange }
    /// The last round that trains.
    var trainedRoundCount: UInt64 { UInt64(manifest.manifest.training.roundCount) }
    /// The last round.
    var roundCount: UInt64 { trainedRoundCount + UInt64(settings.settlingRoundCount) }
    /// The round that comes next, or is under way.
    var nextRound: UInt64 { max(progress.round, roundFloor) + 1 }
    var isFinished: Bool { nextRound > roundCount && ownState == nil }

    /// Restores a node from its durable state; the first event must be `started`.
    ///
    /// - Parameter retainedRoundCount: how many rounds' objects stay in the store for auditors.
    /// - Throws: `RestoreError`, which always means damage or a foreign store.
    public init(
        restored: RestoredState, baseModelDigest: Digest, signer: any MessageSigner,
        retainedRoundCount: Int = 8, admission: AdmissionSetup? = nil, now: Timestamp
    ) throws(RestoreError) {
        guard restored.manifest.manifest.baseModelDigest == baseModelDigest else {
            throw .baseModelMismatch
        }
        precondition(
            restored.manifest.manifest.exchange.kind.isGossip, "the manifest does not gossip")
        self.signer = signer
        self.baseModelDigest = baseModelDigest
        self.retainedRoundCount = max(1, retainedRoundCount)
        self.now = now
        manifest = restored.manifest
        self.admission = try AdmissionInstance(
            manifest: restored.manifest, signer: signer, setup: admission,
            records: restored.records, now: now)
        ownMembership = admission?.membership
        progress = GossipProgress(
            round: 0, state: restored.manifest.manifest.initialAdapterDigest, exampleCount: 0)
        nextHeartbeatAt = now
        nextCatchUpAt = now
        trainingRetryAt = now
        try restore(restored.records)
    }

    /// Takes one event and returns what the shell is to do, in order.
    public mutating func handle(_ event: Event, now: Timestamp) -> [Directive] {
        self.now = max(now, self.now)
        switch event {
        case .started: start()
        case .tick: break
        case .connected(let peer): connected(peer)
        case .disconnected(let peer): forget(peer)
        case .received(let peer, let bytes): received(bytes, from: peer)
        case .trainingProgressed(_, _, let seconds):
            if seconds.isFinite, seconds > 0 { secondsPerStep = seconds }
        case .trainingFailed(let round, _):
            if training?.round == round {
                training = nil
                untrainedRound = round
                trainingRetryAt = self.now.adding(seconds: GossipTiming.retrySeconds)
            }
        case .stateReady(let round, let state, let summary):
            stateReady(round: round, state: state, summary: summary)
        case .objectFetched(let objectID, let outcome): fetched(objectID, outcome)
        case .objectFetchFailed(let objectID): fetchFailed(objectID)
        case .mixed(let round, let outcome): mixed(round: round, outcome)
        case .mixFailed(let round):
            guard mixing?.order.round == round else { break }
            mixing = nil
            mixRetryAt = self.now.adding(seconds: GossipTiming.retrySeconds)
        case .leaveRequested: leave()
        case .membershipLearned(let share): act(on: admission.learn(share))
        case .membershipRequested(let id, let peer, let bytes):
            answerMembership(id: id, from: peer, bytes)
        case .measuredTransferRate, .receivedFrame: break
        case .updateReady, .aggregated, .aggregationFailed, .contributionReady, .sumRefused:
            preconditionFailure("a federation that gossips sums no updates")
        }
        step()
        defer { output.removeAll() }
        return output
    }

    /// Takes every step that is possible now; each looks at the state only and does nothing twice.
    private mutating func step() {
        takeOverState()
        directCatchUp()
        orderFetches()
        directTraining()
        orderMix()
        advanceAlone()
        directTraining()
        report()
        if now >= nextHeartbeatAt { beat() }
        tickAdmission()
    }

    mutating func emit(_ directive: Directive) {
        output.append(directive)
    }

    /// The peers that can be talked to, in ascending order.
    var connectedPeers: [PublicKey] {
        peers.filter(\.value.isUsable).keys.sorted()
    }
}
