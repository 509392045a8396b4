public import Cryptography

/// One node's part in a secure round of one group: events in, directives out.
///
/// A value without clock, network, files or threads. Everything random is in the secrets that it
/// is given: with the same secrets and the same events at the same times it returns the same
/// directives. Masking, summing and opening happen inside `handle` and cost time in proportion to
/// the vector, so it runs on a thread of its own.
///
/// A node that restarts within a round gets an instance that signs nothing but heartbeats and only
/// waits for the result: its secrets are gone, and a second commit must never exist.
///
/// Source: docs/protocol/secure-aggregation.md.
public struct SecureGroupInstance: Sendable {
    let policy: SecurePolicy
    let signer: any MessageSigner
    /// Whether this node took part before a restart and only follows now.
    let isHelper: Bool
    /// Whether masked bytes of the update had left before a restart.
    let wasSpent: Bool
    let startedAt: Timestamp
    /// When every contribution should be there.
    var due: Timestamp

    var formation: SecureFormation
    var round: SecureGroupRound?
    var contribution: [UInt32]?
    var early = EarlyFrames()
    var nextStatusAt: Timestamp
    var lastHeard: [PublicKey: Timestamp] = [:]
    var answeredAt: [PublicKey: Timestamp] = [:]
    var end: SecureEnd?

    var now: Timestamp
    var output: [SecureDirective] = []

    /// This node's key.
    var own: PublicKey { signer.publicKey }

    /// Starts a round, or follows one that this node took part in before a restart; `records`
    /// are the ones that earlier instances persisted.
    public init(
        policy: SecurePolicy, signer: any MessageSigner, secrets: RoundSecrets,
        records: [String: [UInt8]], now: Timestamp
    ) {
        precondition(
            policy.candidates.contains(signer.publicKey), "a node outside its own group")
        self.policy = policy
        self.signer = signer
        isHelper = SecureRecords.hasTakenPart(round: policy.round, in: records)
        wasSpent = SecureRecords.isUpdateSpent(round: policy.round, in: records)
        startedAt = now
        due = now.adding(seconds: policy.timing.contributionSeconds)
        self.now = now
        nextStatusAt = now.adding(seconds: policy.timing.statusSeconds)
        formation = SecureFormation(
            policy: policy, signer: signer, secrets: isHelper ? nil : secrets, startedAt: now)
    }

    /// Whether the round is over for this node; it still answers others until it is dropped.
    public var isOver: Bool { end != nil }
    /// The group's members once its roster is final.
    public var members: [PublicKey]? { round?.group.members }

    /// Takes one event and returns what the shell is to do, in order.
    public mutating func handle(_ event: SecureEvent, now: Timestamp) -> [SecureDirective] {
        self.now = max(now, self.now)
        switch event {
        case .started:
            if policy.allowsSmallGroups {
                output.append(.warnSmallGroup(memberMinimum: policy.memberMinimum))
            }
        case .tick: break
        case .received(let peer, let bytes): received(bytes, from: peer)
        case .contribution(let words, let weight): contribute(words, weight: weight)
        case .contributionsDue(let time): due = time
        case .adapterReady(let digest): round?.adapterDigest = digest
        }
        step()
        // A frame that was early may make another one timely, but each turn needs progress.
        while early.takesTurn(progress: progress, now: self.now) { replay() }
        defer { output.removeAll() }
        return output
    }

    /// Takes every step that is possible now; each looks at the state only and does nothing twice.
    private mutating func step() {
        formation.now = now
        formation.lastHeard = lastHeard
        if round == nil {
            formation.step()
            output += formation.takeOutput()
            if let group = formation.finalGroup {
                round = SecureGroupRound(
                    policy: policy, signer: signer, group: group, secrets: formation.secrets,
                    isHelper: isHelper, due: due, now: now)
                formation.secrets = nil
            }
        }
        if round != nil {
            round?.now = now
            round?.lastHeard = lastHeard
            round?.due = due
            if let contribution {
                round?.contribution = contribution
                self.contribution = nil
            }
            let isOver = isOver
            round?.step(isOver: isOver)
            collect()
        }
        checkEnd()
        if now >= nextStatusAt {
            nextStatusAt = now.adding(seconds: policy.timing.statusSeconds)
            sendStatus()
        }
    }

    /// A number that changes with everything that can make an early frame timely.
    private var progress: Int { formation.progress + (round?.progress ?? 0) }

    private mutating func received(_ bytes: [UInt8], from peer: PublicKey) {
        guard policy.candidates.contains(peer), peer != own else {
            output.append(.refused(from: peer, .notCandidate))
            return
        }
        if process(bytes, from: peer) { lastHeard[peer] = now }
    }

    /// Takes a frame, now or later; `false` where it is refused.
    private mutating func process(_ bytes: [UInt8], from peer: PublicKey) -> Bool {
        defer { collect() }
        do {
            try take(bytes, from: peer)
            return true
        } catch SecureRefusal.tooEarly {
            let isKept = early.keep(
                bytes, from: peer, byteCountMax: 8 * policy.format.wordCount + 1 << 16)
            if !isKept { output.append(.refused(from: peer, .tooEarly)) }
            return isKept
        } catch {
            output.append(.refused(from: peer, error))
            return false
        }
    }

    private mutating func take(_ bytes: [UInt8], from peer: PublicKey) throws(SecureRefusal) {
        if SecureDataFrame.isDataFrame(bytes) {
            let data = try SecureDataFrame(bytes: bytes, wordCountMax: policy.format.wordCount)
            guard round != nil else { throw .tooEarly }
            round?.now = now
            try round?.receive(data, from: peer)
            return
        }
        let frame = try SecureFrame(bytes: bytes)
        switch frame.kind {
        case .status: try received(status: frame, from: peer)
        case .audit:
            guard round != nil else { throw .tooEarly }
            round?.now = now
            try round?.receivedAudit(frame, from: peer)
        case .join, .roster, .rosterAck:
            formation.now = now
            try formation.receive(frame)
            output += formation.takeOutput()
        default:
            guard round != nil else { throw .tooEarly }
            round?.now = now
            try round?.receive(frame)
        }
    }

    /// Tries the frames again that came before what they build on.
    private mutating func replay() {
        for (peer, bytes) in early.takeAll() { _ = process(bytes, from: peer) }
        step()
    }

    private mutating func contribute(_ words: [UInt32], weight: Int) {
        let bound = policy.format.wordMagnitudeMax(weight: weight)
        precondition(
            words.count == policy.format.elementCount
                && (1...policy.format.weightUnit).contains(weight)
                && words.allSatisfy { abs(Int64(Int32(bitPattern: $0))) <= bound },
            "a contribution outside the format: \(words.count) words of weight \(weight)")
        guard end == nil, !isHelper else { return }
        contribution = words + [UInt32(weight)]
    }

    mutating func collect() {
        if let directives = round?.takeOutput() { output += directives }
    }
}
