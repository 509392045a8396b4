internal import Cryptography
internal import Federation
internal import GossipLog
internal import LibP2P

/// Decides whether an announcement is taken and handed on, and remembers what was taken.
///
/// `reject` is for what no honest peer could have handed on; all that depends on how far this node has
/// come, or on its clock, is `ignore`.
struct AnnouncementJudge: Sendable {
    /// Why an announcement is not taken.
    enum Refusal: Error, Hashable, Sendable {
        case malformed(CanonicalError)
        case otherFederation
        case authorWithoutKey
        case notAMember
        case replayed
        case tooManyOfAuthor
        case updateTooLarge(byteCount: UInt64)
        case outsideRound(round: UInt64, completed: UInt64)
        case treeHeadInvalid(TreeHeadError)
        case treeHeadOld
        case treeHeadKnown
        case membershipUnknown

        /// What the peer that sent it has earned.
        var verdict: GossipVerdict {
            switch self {
            case .malformed, .otherFederation, .authorWithoutKey, .updateTooLarge, .treeHeadInvalid:
                .reject
            case .notAMember, .replayed, .tooManyOfAuthor, .outsideRound, .treeHeadOld,
                .treeHeadKnown, .membershipUnknown:
                .ignore
            }
        }
    }

    /// Two tree heads of one log that can't both be true.
    struct Contradiction: Hashable, Sendable {
        let author: PublicKey
        let size: UInt64
        let first: [UInt8]
        let second: [UInt8]
    }

    /// What was found of an announcement that is taken.
    struct Finding: Sendable {
        let author: PublicKey
        let content: FederationAnnouncement.Content
        /// The author's log forks here.
        var contradiction: Contradiction?
        /// The author holds another adapter at a height than this node.
        var differsAtHeight: UInt64?
    }

    /// Announcements that an author may have taken at once.
    static let burst = 32.0
    /// Announcements of one author a second, in the long run: an update, a result, a tree head and a
    /// change of members in each round, and rounds take longer than this.
    static let ratePerSecond = 2.0
    /// Adapters by height that are kept to compare results with.
    static let adapterCountMax = 64

    private struct Author {
        var window: ReplayWindow?
        var allowance = AnnouncementJudge.burst
        var filledAt = Duration.zero
    }

    let manifest: SignedManifest
    private(set) var members: Set<PublicKey>
    private(set) var completedRoundCount: UInt64
    private var adapters: [UInt64: ObjectID] = [:]
    private var authors: [PublicKey: Author] = [:]
    private(set) var treeHeads: [PublicKey: SignedTreeHead] = [:]

    init(manifest: SignedManifest, chain: ChainState) {
        self.manifest = manifest
        members = Set(chain.members)
        completedRoundCount = chain.completedRoundCount
        adapters[chain.height] = chain.adapterDigest
    }

    // MARK: What this node knows

    /// A round was certified here.
    mutating func noteRound(_ round: UInt64, height: UInt64, adapter: ObjectID) {
        completedRoundCount = max(completedRoundCount, round)
        adapters[height] = adapter
        if adapters.count > Self.adapterCountMax, let oldest = adapters.keys.min() {
            adapters[oldest] = nil
        }
    }

    /// A peer became a member, or is one no more.
    mutating func noteMember(_ member: PublicKey, isMember: Bool) {
        if isMember {
            members.insert(member)
        } else {
            members.remove(member)
            authors[member] = nil
        }
    }

    /// The greatest number of each author, for the next run.
    var floors: [PublicKey: UInt64] { authors.compactMapValues(\.window?.highest) }

    /// Takes over what an earlier run has seen.
    mutating func restore(floors: [PublicKey: UInt64], treeHeads: [PublicKey: SignedTreeHead]) {
        for (author, floor) in floors where members.contains(author) {
            authors[author] = Author(window: ReplayWindow(restored: floor))
        }
        self.treeHeads = treeHeads
    }

    // MARK: Judging

    /// Judges a message whose signature holds.
    mutating func judge(
        author: PeerID, sequenceNumber: UInt64, data: [UInt8], now: Duration
    ) -> Result<Finding, Refusal> {
        do throws(Refusal) {
            let announcement: FederationAnnouncement
            do {
                announcement = try FederationAnnouncement(bytes: data)
            } catch {
                throw .malformed(error)
            }
            guard announcement.federation == manifest.digest else { throw .otherFederation }
            guard let key = author.publicKey else { throw .authorWithoutKey }
            guard members.contains(key) else { throw .notAMember }
            try take(sequenceNumber, of: key, now: now)
            return .success(try look(at: announcement.content, of: key))
        } catch {
            return .failure(error)
        }
    }

    private mutating func take(
        _ number: UInt64, of key: PublicKey, now: Duration
    ) throws(Refusal) {
        var author = authors[key] ?? Author(filledAt: now)
        defer { authors[key] = author }
        if var window = author.window {
            guard window.take(number) else { throw .replayed }
            author.window = window
        } else {
            author.window = ReplayWindow(first: number)
        }
        if now > author.filledAt {
            let gain = (now - author.filledAt) / .seconds(1) * Self.ratePerSecond
            author.allowance = min(author.allowance + gain, Self.burst)
            author.filledAt = now
        }
        guard author.allowance >= 1 else { throw .tooManyOfAuthor }
        author.allowance -= 1
    }

    private mutating func look(
        at content: FederationAnnouncement.Content, of key: PublicKey
    ) throws(Refusal) -> Finding {
        var finding = Finding(author: key, content: content)
        switch content {
        case .update(let round, _, let byteCount):
            guard byteCount <= UInt64(manifest.manifest.updateByteCountMax) else {
                throw .updateTooLarge(byteCount: byteCount)
            }
            // The last one for what comes late, and one ahead for who is faster. The number comes
            // from outside, so nothing is added to it.
            guard round >= completedRoundCount, round <= completedRoundCount &+ 2 else {
                throw .outsideRound(round: round, completed: completedRoundCount)
            }
        case .result(let height, _, let adapter):
            if let own = adapters[height], own != adapter { finding.differsAtHeight = height }
        case .treeHead(let note):
            finding.contradiction = try takeTreeHead(note, of: key)
        case .membership:
            break
        }
        return finding
    }

    private mutating func takeTreeHead(
        _ bytes: [UInt8], of key: PublicKey
    ) throws(Refusal) -> Contradiction? {
        guard let noteKey = try? NodeLog.key(manifest: manifest, member: key) else {
            throw .authorWithoutKey
        }
        let new: SignedTreeHead
        do {
            new = try SignedTreeHead(bytes: bytes, key: noteKey)
        } catch {
            throw .treeHeadInvalid(error)
        }
        guard let known = treeHeads[key] else {
            treeHeads[key] = new
            return nil
        }
        if new.head.size == known.head.size {
            guard new.head.root != known.head.root else { throw .treeHeadKnown }
            return Contradiction(
                author: key, size: new.head.size, first: known.bytes, second: new.bytes)
        }
        guard new.head.size > known.head.size else { throw .treeHeadOld }
        treeHeads[key] = new
        return nil
    }
}
