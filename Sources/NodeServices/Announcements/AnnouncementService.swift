internal import Cryptography
internal import Federation
internal import Foundation
internal import GossipLog
internal import LibP2P
internal import Logging
internal import Storage
internal import Synchronization
internal import Transports

/// Tells the whole federation by gossip what this node has done, and hears what others have.
///
/// The messages that a round needs go directly from member to member; gossip carries what everybody
/// should know whoever is connected with whom. Why: docs/decisions/0018-what-gossip-carries.md.
final class AnnouncementService: Sendable {
    /// What gossip has brought so far.
    struct Heard: Hashable, Sendable {
        /// The greatest height of which a member says that it holds the adapter.
        var height: UInt64 = 0
        /// Announcements of others that were taken.
        var takenCount = 0
        /// Announcements of others that were not taken.
        var refusedCount = 0
    }

    private struct State {
        var judge: AnnouncementJudge
        var heard = Heard()
        var floorsChanged = false
    }

    /// How often what was seen is written down.
    static let persistInterval = Duration.seconds(10)
    /// Numbers that are reserved at a time: far more than a run publishes in the interval.
    static let reservedNumberCount: UInt64 = 1 << 20

    private let gossip: GossipService
    private let store: NodeStore
    private let manifest: SignedManifest
    private let clock: ServiceClock
    private let logger: Logger
    private let state: Mutex<State>
    private let reports: AsyncStream<NodeReport>
    private let reportSink: AsyncStream<NodeReport>.Continuation

    /// Makes the service and has the swarm serve gossip; before the swarm starts.
    ///
    /// - Throws: ``NodeError`` with code `storage`.
    init(
        swarm: Swarm, store: NodeStore, manifest: SignedManifest, clock: ServiceClock = .system,
        logger: Logger
    ) async throws(NodeError) {
        self.store = store
        self.manifest = manifest
        self.clock = clock
        self.logger = logger
        var chain = ChainState(genesis: manifest)
        for entry in try await store.entries() { chain.apply(entry) }
        var judge = AnnouncementJudge(manifest: manifest, chain: chain)
        let memory = try await store.announcementMemory(manifest: manifest)
        judge.restore(floors: memory.floors, treeHeads: memory.treeHeads)
        state = Mutex(State(judge: judge))
        var configuration = GossipConfiguration()
        // The node's own connector keeps the connections.
        configuration.dialsExchangedPeers = false
        configuration.sequenceNumberFloor = memory.ownFloor
        gossip = GossipService(swarm: swarm, configuration: configuration, logger: logger)
        // What comes is bounded by how fast a node goes through its rounds.
        (reports, reportSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(256))
        try await reserveNumbers()
    }

    /// The topic of a federation.
    static func topic(of federation: Digest) -> String {
        "/starling/\(federation.hexadecimal.prefix(32))/announce/1"
    }

    /// What gossip has brought so far.
    var heard: Heard { state.withLock(\.heard) }

    /// The members whose tree heads are known, with their sizes.
    var treeHeadSizes: [PublicKey: UInt64] {
        state.withLock { $0.judge.treeHeads.mapValues(\.head.size) }
    }

    /// The number of the next own announcement.
    var nextSequenceNumber: UInt64 { gossip.nextSequenceNumber }

    /// The peers whose connections gossip needs.
    var protectedPeers: [PeerID] { gossip.protectedPeers }

    /// Takes what the node says of itself; what others should know of it is published.
    func note(_ report: NodeReport) {
        switch report {
        case .updateReady, .federation(.roundCertified), .federation(.memberJoined),
            .federation(.memberLeft):
            reportSink.yield(report)
        default: break
        }
    }

    /// Runs gossip until the task is cancelled.
    func run() async {
        let topic = Self.topic(of: manifest.digest)
        let messages: AsyncStream<GossipMessage>
        do {
            messages = try gossip.subscribe(to: topic) { [weak self] message, sender in
                self?.judge(message, from: sender) ?? .ignore
            }
        } catch {
            preconditionFailure("the topic \(topic) is refused: \(error)")
        }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.gossip.run() }
            group.addTask { for await _ in messages {} }
            group.addTask { await self.publishReports(on: topic) }
            group.addTask {
                while !Task.isCancelled {
                    do { try await self.clock.sleep(Self.persistInterval) } catch { return }
                    await self.persist()
                }
            }
        }
        await persist()
    }

    // MARK: Own announcements

    private func publishReports(on topic: String) async {
        await withTaskCancellationHandler {
            for await report in reports {
                for content in await contents(of: report) { publish(content, on: topic) }
            }
        } onCancel: {
            reportSink.finish()
        }
    }

    private func contents(of report: NodeReport) async -> [FederationAnnouncement.Content] {
        switch report {
        case .updateReady(let summary):
            return [
                .update(
                    round: summary.round, object: summary.objectID,
                    byteCount: UInt64(clamping: summary.byteCount))
            ]
        case .federation(.roundCertified(let round)):
            state.withLock {
                $0.judge.noteRound(
                    round.round, height: round.height, adapter: round.adapterDigest)
            }
            return [
                .result(height: round.height, round: round.round, adapter: round.adapterDigest)
            ] + (await treeHead())
        case .federation(.memberJoined(let member, let height)):
            state.withLock { $0.judge.noteMember(member, isMember: true) }
            return [.membership(height: height, member: member, hasJoined: true)]
                + (await treeHead())
        case .federation(.memberLeft(let member, let height, _)):
            state.withLock { $0.judge.noteMember(member, isMember: false) }
            return [.membership(height: height, member: member, hasJoined: false)]
                + (await treeHead())
        default:
            return []
        }
    }

    private func treeHead() async -> [FederationAnnouncement.Content] {
        do {
            guard let bytes = try await store.latestTreeHead(),
                bytes.count <= FederationAnnouncement.treeHeadByteCountMax
            else { return [] }
            return [.treeHead(bytes)]
        } catch {
            logger.warning("tree head not told", metadata: ["reason": "\(error)"])
            return []
        }
    }

    private func publish(_ content: FederationAnnouncement.Content, on topic: String) {
        let announcement = FederationAnnouncement(federation: manifest.digest, content: content)
        do throws(GossipError) {
            try gossip.publish(announcement.bytes, to: topic)
        } catch {
            logger.warning("announcement not published", metadata: ["reason": "\(error)"])
        }
    }

    // MARK: Announcements of others

    /// Judges a message before it is handed on.
    private func judge(_ message: GossipMessage, from sender: PeerID) -> GossipVerdict {
        let now = clock.now()
        let result = state.withLock { state in
            let result = state.judge.judge(
                author: message.author, sequenceNumber: message.sequenceNumber,
                data: message.data, now: now)
            state.floorsChanged = true
            switch result {
            case .success(let finding):
                state.heard.takenCount += 1
                if case .result(let height, _, _) = finding.content {
                    state.heard.height = max(state.heard.height, height)
                }
            case .failure: state.heard.refusedCount += 1
            }
            return result
        }
        switch result {
        case .success(let finding):
            tell(finding, of: message.author)
            return .accept
        case .failure(let refusal):
            let verdict = refusal.verdict
            logger.log(
                level: verdict == .reject ? .info : .debug, "announcement not taken",
                metadata: [
                    "author": "\(message.author)", "sender": "\(sender)",
                    "reason": "\(refusal)",
                ])
            return verdict
        }
    }

    private func tell(_ finding: AnnouncementJudge.Finding, of author: PeerID) {
        if let contradiction = finding.contradiction {
            logger.error(
                "a member's log forks: two signed tree heads of one size",
                metadata: ["member": "\(author)", "size": "\(contradiction.size)"])
            Task { [store, logger] in
                do {
                    try await store.keepContradiction(contradiction)
                } catch {
                    logger.error("evidence not stored", metadata: ["reason": "\(error)"])
                }
            }
        }
        if let height = finding.differsAtHeight {
            logger.error(
                "a member holds another adapter than this node",
                metadata: ["member": "\(author)", "height": "\(height)"])
        }
    }

    // MARK: What outlives the process

    private func reserveNumbers() async throws(NodeError) {
        let (floor, overflow) = gossip.nextSequenceNumber
            .addingReportingOverflow(Self.reservedNumberCount)
        try await store.setSetting(
            SettingKey.gossipFloor, AnnouncementMemory.bytes(of: overflow ? .max : floor))
    }

    private func persist() async {
        let (isDue, floors, treeHeads) = state.withLock { state in
            defer { state.floorsChanged = false }
            return (state.floorsChanged, state.judge.floors, state.judge.treeHeads)
        }
        guard isDue else { return }
        do {
            try await store.keepAnnouncementMemory(floors: floors, treeHeads: treeHeads)
            try await reserveNumbers()
        } catch {
            logger.warning("what gossip told is not stored", metadata: ["reason": "\(error)"])
        }
    }
}
