internal import Cryptography

/// A round of a final group, from the deals to the opened sum.
///
/// Legal moves: `dealing → surviving → masking → committed → certified → opened`; each is a field
/// that is set once and never taken back. Views only alternate before the certificate.
struct SecureGroupRound: Sendable {
    /// Views that a round can have: as many as members can fail, twice over.
    static let viewCountMax = 48

    let policy: SecurePolicy
    let signer: any MessageSigner
    let group: SecureGroup
    /// `nil` for a node that is not in the roster.
    let ownIndex: Int?
    let isHelper: Bool
    /// When every contribution should be there.
    var due: Timestamp
    let finalAt: Timestamp

    /// Wiped as soon as the sum is open or the round is over.
    var secrets: RoundSecrets?
    var contribution: [UInt32]?

    /// Every statement that holds, by the place of which there may be one.
    private(set) var store: [SecureSlot: SecureFrame] = [:]
    /// The senders of the statements that are here, by kind and view.
    private var senders: [SecureFrame.Kind: [Int: MemberSet]] = [:]
    /// Members that this node has evidence against; they sum and propose nothing more.
    var convicted = MemberSet()
    var deals: [Int: DealState] = [:]
    /// Shares that were dealt to this node, and those that it dealt, by the other member.
    var shareFrames: [Int: SecureFrame] = [:]
    var sentShares: [Int: SecureFrame] = [:]
    /// Per dealer the shares of sk and of b, 64 bytes, which fit the dealer's commitments.
    var shares: [Int: SecretBytes] = [:]
    var dealAcks: [Int: DealList] = [:]

    var survivors: SurvivorState?
    var maskCommits: [Int: SecureMaskCommit] = [:]
    var maskedWords: [UInt32]?
    var masked = MaskedShards()
    var view = 0
    var viewEnteredAt: Timestamp
    var views: [Int: ViewState] = [:]

    var commits: [Int: CommitState] = [:]
    var firstCommitAt: Timestamp?
    var certificate: CertificateState?
    var reveals: [Int: SecureReveal] = [:]
    var hasRevealed = false
    var hasSentMasked = false
    var sum: SecureSum?
    var sumIsOutOfBounds = false
    var openedAt: Timestamp?
    var adapterDigest: Digest?
    var results: [Int: SecureResult] = [:]
    var audit: AuditState?
    var hasDrawnAudit = false
    var certified: SecureRoundCertificate?
    var certifiedAt: Timestamp?

    var now: Timestamp
    var lastHeard: [PublicKey: Timestamp] = [:]
    var sentAt: [SentKey: Timestamp] = [:]
    var progress = 0
    private var output: [SecureDirective] = []

    init(
        policy: SecurePolicy, signer: any MessageSigner, group: SecureGroup,
        secrets: RoundSecrets?, isHelper: Bool, due: Timestamp, now: Timestamp
    ) {
        self.policy = policy
        self.signer = signer
        self.group = group
        ownIndex = group.index(of: signer.publicKey)
        self.isHelper = isHelper
        self.due = due
        finalAt = now
        viewEnteredAt = now
        self.secrets = ownIndex == nil ? nil : secrets
        self.now = now
    }

    /// This node's index where it may sign: in the group, and never after a restart.
    var signerIndex: Int? { isHelper ? nil : ownIndex }

    mutating func takeOutput() -> [SecureDirective] {
        defer { output = [] }
        return output
    }

    mutating func emit(_ directive: SecureDirective) { output.append(directive) }

    /// Takes every step that is possible; after the end only answers are given.
    mutating func step(isOver: Bool) {
        guard !isOver else {
            wipe()
            return
        }
        deal()
        acknowledgeDeals()
        proposeSurvivors()
        mask()
        sendShards()
        sumShards()
        changeViewIfOverdue()
        proposeContributors()
        sendShards()
        sumShards()
        commit()
        startAudit()
        certify()
        reveal()
        open()
        signResult()
        certifyResult()
    }

    /// Lets go of everything secret; guarded memory is wiped with its last owner.
    mutating func wipe() {
        secrets = nil
        shares = [:]
        contribution = nil
        maskedWords = nil
    }

    /// Signs, keeps and sends a statement to all other members.
    mutating func broadcast(_ kind: SecureFrame.Kind, view: Int = 0, body: [UInt8]) {
        guard let frame = sign(kind, view: view, body: body) else { return }
        place(frame)
        progress += 1
        send(frame.bytes, to: group.everyone)
    }

    /// Keeps a statement that holds.
    mutating func place(_ frame: SecureFrame) {
        guard let slot = SecureSlot(frame) else { return }
        store[slot] = frame
        senders[slot.kind, default: [:]][slot.view, default: MemberSet()].insert(slot.sender)
    }

    /// Whose statements of a kind are here.
    func senders(_ kind: SecureFrame.Kind, view: Int = 0) -> MemberSet {
        senders[kind]?[view] ?? MemberSet()
    }

    /// The views in which statements of a kind are here, with their senders.
    func viewSenders(_ kind: SecureFrame.Kind) -> [Int: MemberSet] { senders[kind] ?? [:] }

    /// Reports two statements for one place.
    mutating func convict(_ sender: Int, _ first: SecureFrame, _ second: SecureFrame) {
        guard let key = group.key(of: sender) else { return }
        emit(.evidence(.equivocation(member: key, first: first.bytes, second: second.bytes)))
        convicted.insert(sender)
    }

    func sign(_ kind: SecureFrame.Kind, view: Int = 0, body: [UInt8]) -> SecureFrame? {
        guard let index = signerIndex else { return nil }
        return SecureFrame(
            kind, group: group.id.bytes, sender: index, view: view, body: body, signer: signer)
    }

    mutating func send(_ bytes: [UInt8], to members: MemberSet) {
        let receivers = group.keys(of: members).filter { $0 != signer.publicKey }
        if !receivers.isEmpty { emit(.send(to: receivers, bytes: bytes)) }
    }

    func frame(
        _ kind: SecureFrame.Kind, of sender: Int, view: Int = 0, item: Int = 0
    ) -> SecureFrame? {
        store[SecureSlot(kind, group: group.id, sender: sender, view: view, item: item)]
    }

    /// Takes a statement: what it says must hold before its place is taken.
    mutating func receive(_ frame: SecureFrame) throws(SecureRefusal) {
        guard frame.group == group.id.bytes else { throw .otherGroup }
        guard let key = group.key(of: frame.sender) else { throw .unknownMember }
        guard frame.sender != signerIndex else { throw .wrongSender }
        guard let slot = SecureSlot(frame) else { throw .malformed }
        let known = store[slot]
        if known == frame { return }
        guard frame.isSigned(by: key) else { throw .signatureInvalid }
        if let known {
            guard !known.saysSame(as: frame) else { return }
            convict(frame.sender, known, frame)
            throw .equivocation
        }
        switch frame.kind {
        case .deal: try receivedDeal(frame)
        case .share: try receivedShare(frame)
        case .dealAck: try receivedDealAck(frame)
        case .survivors: try receivedSurvivors(frame)
        case .maskCommit: try receivedMaskCommit(frame)
        case .receipt: try receivedReceipt(frame)
        case .contributors: try receivedContributors(frame)
        case .partial: try receivedPartial(frame)
        case .commit: try receivedCommit(frame)
        case .reveal: try receivedReveal(frame)
        case .result: try receivedResult(frame)
        case .join, .roster, .rosterAck, .status, .audit: throw .malformed
        }
        place(frame)
        progress += 1
    }

    /// Whether a member was heard lately; this node always is.
    func isHeard(_ index: Int) -> Bool {
        guard let key = group.key(of: index) else { return false }
        guard key != signer.publicKey else { return true }
        guard let heard = lastHeard[key] else { return false }
        return now < heard.adding(seconds: policy.timing.silenceSeconds)
    }
}

extension SecureSlot {
    init(_ kind: SecureFrame.Kind, group: Digest, sender: Int, view: Int, item: Int) {
        self.kind = kind
        scope = group.bytes
        self.sender = sender
        self.view = view
        self.item = item
    }
}
