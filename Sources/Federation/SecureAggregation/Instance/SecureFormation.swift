internal import Cryptography

/// How a group comes about: joins, a roster, and an acknowledgement of every member.
///
/// A roster moves `proposed → acknowledged → final`; nothing secret exists before it is final. Its
/// proposer acknowledges last, so that a roster is final or replaced, never both.
struct SecureFormation: Sendable {
    /// Attempts of one proposer; the view is 16 times its rank plus the attempt.
    static let attemptCount = 16
    /// Joins of one candidate that are kept: a restart makes a second one.
    static let joinCountMax = 2

    let policy: SecurePolicy
    let signer: any MessageSigner
    let startedAt: Timestamp
    let proposers: [PublicKey]
    /// `nil` for a node that only follows.
    var secrets: RoundSecrets?

    var joins: [PublicKey: [JoinEntry]] = [:]
    var ownJoin: SecureFrame?
    /// The roster of the highest view that was acknowledged, or proposed by this node.
    var group: SecureGroup?
    var acks: [Int: SecureFrame] = [:]
    var finalGroup: SecureGroup?
    /// When a first roster became possible, or the last one came.
    var readyAt: Timestamp?
    var adoptedAt: Timestamp?
    var signed: [SecureSlot: SecureFrame] = [:]

    var now: Timestamp
    var lastHeard: [PublicKey: Timestamp] = [:]
    var progress = 0
    private var output: [SecureDirective] = []

    init(
        policy: SecurePolicy, signer: any MessageSigner, secrets: RoundSecrets?,
        startedAt: Timestamp
    ) {
        self.policy = policy
        self.signer = signer
        self.secrets = secrets
        self.startedAt = startedAt
        now = startedAt
        proposers = policy.proposerOrder(of: policy.candidates)
    }

    var own: PublicKey { signer.publicKey }

    mutating func takeOutput() -> [SecureDirective] {
        defer { output = [] }
        return output
    }

    mutating func step() {
        guard finalGroup == nil else { return }
        join()
        propose()
        acknowledge()
        finish()
    }

    mutating func send(_ frame: SecureFrame, to receivers: [PublicKey]) {
        let others = receivers.filter { $0 != own }
        if !others.isEmpty { output.append(.send(to: others, bytes: frame.bytes)) }
    }

    mutating func report(_ first: SecureFrame, _ second: SecureFrame, by member: PublicKey) {
        output.append(
            .evidence(
                .equivocation(member: member, first: first.bytes, second: second.bytes)))
    }

    mutating func persist(_ key: String, _ value: [UInt8]) {
        output.append(.persist(key: key, value: value))
    }

    private mutating func join() {
        guard ownJoin == nil, let secrets else { return }
        // Twice the time a round can take: an old join is of no use to anyone.
        let lifetime = UInt64(
            2 * (policy.timing.contributionSeconds + policy.timing.certificateSeconds + 60))
        let join = SecureJoin(policy: policy, member: own, secrets: secrets, lifetime: lifetime)
        let frame = SecureFrame(
            .join, group: SecureFrame.noGroup, sender: 0, view: 0, body: join.bytes,
            signer: signer)
        ownJoin = frame
        keep(
            JoinEntry(
                frame: frame, digest: Hashing.blake2b256(frame.bytes), join: join,
                maskKey: secrets.maskKey.point))
        send(frame, to: policy.candidates)
    }

    private mutating func keep(_ entry: JoinEntry) {
        var known = joins[entry.join.member] ?? []
        known.append(entry)
        joins[entry.join.member] = known.suffix(Self.joinCountMax)
        progress += 1
    }

    mutating func receive(_ frame: SecureFrame) throws(SecureRefusal) {
        switch frame.kind {
        case .join: try receivedJoin(frame)
        case .roster: try receivedRoster(frame)
        case .rosterAck: try receivedAck(frame)
        default: preconditionFailure("a \(frame.kind) before there is a group")
        }
    }

    private mutating func receivedJoin(_ frame: SecureFrame) throws(SecureRefusal) {
        guard frame.group == SecureFrame.noGroup, frame.sender == 0, frame.view == 0 else {
            throw .malformed
        }
        let join = try SecureJoin(frame)
        guard join.manifestDigest == policy.manifestDigest, join.round == policy.round else {
            throw .otherRound
        }
        guard policy.candidates.contains(join.member), !policy.excluded.contains(join.member)
        else { throw .notCandidate }
        guard join.baseDigest == policy.baseDigest, join.schemaDigest == policy.schemaDigest,
            join.format == policy.format
        else { throw .parametersDiffer }
        guard join.expiresAtSeconds > policy.startedAtSeconds else { throw .expired }
        if joins[join.member]?.contains(where: { $0.frame == frame }) == true { return }
        guard frame.isSigned(by: join.member) else { throw .signatureInvalid }
        guard let maskKey = RistrettoPoint(bytes: join.maskKey),
            join.exchangeKey.contains(where: { $0 != 0 })
        else { throw .keyInvalid }
        guard join.member != own || ownJoin == nil else { throw .joinChanged }
        keep(
            JoinEntry(
                frame: frame, digest: Hashing.blake2b256(frame.bytes), join: join,
                maskKey: maskKey))
    }
}
