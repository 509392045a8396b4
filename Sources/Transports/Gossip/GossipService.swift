internal import Cryptography
internal import FoundationEssentials
public import LibP2P
public import Logging
internal import Synchronization

/// Gossip on a swarm: carries out what a ``GossipsubInstance`` says.
///
/// Make it before the swarm starts, then call ``run()`` for as long as gossip is wanted. Each peer
/// gets one stream on which the node writes; what the peer sends comes on a stream of the peer's.
public final class GossipService: Sendable {
    /// Looks at a message before it is delivered and handed on.
    ///
    /// It delays what else the same peer sends, and nobody else. `reject` is for what no honest
    /// peer could have handed on.
    public typealias Validator =
        @Sendable (_ message: GossipMessage, _ sender: PeerID) async -> GossipVerdict

    struct Topic {
        let validator: Validator
        let continuation: AsyncStream<GossipMessage>.Continuation
    }

    /// What is known of a peer's gossip stream.
    ///
    /// Legal moves: opening → open, opening → unsupported; each ends with the connection.
    enum Stage {
        case opening
        case open(GossipLink)
        /// The peer does not speak gossipsub, or its stream could not be opened again.
        case unsupported
    }

    struct State {
        var instance: GossipsubInstance
        var generator = SodiumRandomNumberGenerator()
        var topics: [String: Topic] = [:]
        var stages: [PeerID: Stage] = [:]
        var protectedPeers: Set<PeerID> = []
        /// Streams of peers that wait until the node's own stream to them is open.
        var waiters: [PeerID: [CheckedContinuation<GossipLink?, Never>]] = [:]
        var isRunning = false
        /// What is told of peers, by its kind: a peer can cause much of it with few bytes.
        var noteLogs: [Substring: LogThrottle] = [:]
    }

    /// What the running service does in tasks of its own.
    enum Command: Sendable {
        case serve(PeerID)
        case drop(PeerID)
        case disconnect(PeerID, GossipFault)
        case dial([SignedPeerRecord])
        /// The envelope with which a peer described itself.
        case keep(PeerID, [UInt8])
    }

    /// Records of peers that others told of, for whoever keeps a view; the newest 16 lists are kept.
    public let exchangedRecords: AsyncStream<[SignedPeerRecord]>

    let swarm: Swarm
    let configuration: GossipConfiguration
    let logger: Logger
    let state: Mutex<State>
    let commands: AsyncStream<Command>
    let commandContinuation: AsyncStream<Command>.Continuation
    private let recordContinuation: AsyncStream<[SignedPeerRecord]>.Continuation
    private let start = ContinuousClock.now

    /// Makes a service and has the swarm serve its protocols; before the swarm starts.
    public init(
        swarm: Swarm, configuration: GossipConfiguration = GossipConfiguration(), logger: Logger
    ) {
        self.swarm = swarm
        self.configuration = configuration
        self.logger = logger
        let clock = UInt64(Date().timeIntervalSince1970 * 1e9)
        state = Mutex(
            State(
                instance: GossipsubInstance(
                    key: swarm.configuration.identity,
                    firstSequenceNumber: max(clock, configuration.sequenceNumberFloor + 1),
                    parameters: configuration.parameters,
                    scoreParameters: configuration.scoreParameters)))
        // What does not fit is made up for at the next heartbeat.
        (commands, commandContinuation) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingOldest(1_024))
        (exchangedRecords, recordContinuation) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingNewest(16))
        for version in GossipVersion.allCases {
            swarm.register(protocol: version.protocolID) { [weak self] peer, stream in
                await self?.receive(stream, from: peer)
            }
        }
        let commandContinuation = commandContinuation
        swarm.observe { event in
            switch event {
            case .connected(let peer, _, _): commandContinuation.yield(.serve(peer))
            case .disconnected(let peer, _): commandContinuation.yield(.drop(peer))
            case .identified(let peer, let message, _):
                guard let envelope = message.signedPeerRecord else { return }
                commandContinuation.yield(.keep(peer, envelope))
            }
        }
    }

    // MARK: What the application does

    /// Begins to take part in a topic; one subscription of a topic at a time.
    ///
    /// - Returns: The accepted messages of others, which end with ``unsubscribe(from:)``.
    public func subscribe(
        to name: String, validator: @escaping Validator
    ) throws(GossipError) -> AsyncStream<GossipMessage> {
        try check(topic: name)
        let (messages, continuation) = AsyncStream<GossipMessage>.makeStream(
            bufferingPolicy: .bufferingOldest(configuration.unreadCountMax))
        let previous = state.withLock { state in
            let previous = state.topics.updateValue(
                Topic(validator: validator, continuation: continuation), forKey: name)
            return previous
        }
        previous?.continuation.finish()
        perform(.subscribe(name))
        return messages
    }

    /// Ends the part in a topic.
    public func unsubscribe(from name: String) {
        let topic = state.withLock { $0.topics.removeValue(forKey: name) }
        topic?.continuation.finish()
        perform(.unsubscribe(name))
    }

    /// Signs a message and sends it on its way.
    ///
    /// - Returns: The message as others will see it.
    /// - Throws: `dataTooLarge`, `topicByteCount`.
    @discardableResult
    public func publish(
        _ data: [UInt8], to topic: String
    ) throws(GossipError) -> GossipMessage {
        try check(topic: topic)
        let max = configuration.parameters.dataByteCountMax
        guard data.count <= max else {
            throw .dataTooLarge(byteCount: data.count, byteCountMax: max)
        }
        guard let message = perform(.publish(topic: topic, data: data)).published else {
            preconditionFailure("a message of \(data.count) bytes was not signed")
        }
        return message
    }

    /// Tells what the application thinks of a peer: P5 of its score, until told otherwise.
    public func setApplicationScore(_ score: Double, of peer: PeerID) {
        perform(.applicationScore(peer, score))
    }

    /// The score of a peer.
    public func score(of peer: PeerID) -> Double {
        state.withLock { $0.instance.scores.score(of: peer) }
    }

    /// The peers in the mesh of a topic, ascending.
    public func meshPeers(of topic: String) -> [PeerID] {
        state.withLock { $0.instance.meshPeers(of: topic) }
    }

    /// The connected peers that want a topic, ascending.
    public func subscribers(of topic: String) -> [PeerID] {
        state.withLock { $0.instance.subscribers(of: topic) }
    }

    /// The peers in any mesh, ascending: whoever closes connections spares them.
    public var protectedPeers: [PeerID] { state.withLock { $0.protectedPeers.sorted() } }

    /// One above the last sequence number that was used, to be kept across restarts.
    public var nextSequenceNumber: UInt64 { state.withLock { $0.instance.nextSequenceNumber } }

    private func check(topic: String) throws(GossipError) {
        let byteCount = topic.utf8.count
        let max = configuration.parameters.topicByteCountMax
        guard (1...max).contains(byteCount) else {
            throw .topicByteCount(byteCount, byteCountMax: max)
        }
    }

    // MARK: Carrying out

    /// What an event leaves to be done outside the lock.
    struct Outcome {
        /// Whether the event was handed in.
        var isHandled = false
        var published: GossipMessage?
        var validations: [(message: GossipMessage, sender: PeerID, validator: Validator)] = []
    }

    /// Hands an event to the instance and carries out what it says, but for validations.
    ///
    /// Frames are queued within the lock, so that they leave in the order of the directives.
    ///
    /// - Parameter prepare: Changes the state in the same moment; if it answers false, nothing
    ///   happens.
    @discardableResult
    func perform(
        _ event: GossipsubInstance.Event, if prepare: (inout State) -> Bool = { _ in true }
    ) -> Outcome {
        var outcome = Outcome()
        var notes: [(peer: PeerID, text: String, count: Int)] = []
        let now = ContinuousClock.now - start
        state.withLock { state in
            guard prepare(&state) else { return }
            outcome.isHandled = true
            let directives = state.instance.handle(event, now: now, using: &state.generator)
            for directive in directives {
                switch directive {
                case .send(let peer, let rpc, let precedence):
                    send(rpc, precedence, to: peer, &state)
                case .validate(let message, let sender):
                    guard let topic = state.topics[message.topic] else { continue }
                    outcome.validations.append((message, sender, topic.validator))
                case .deliver(let message, let sender):
                    guard let topic = state.topics[message.topic] else { continue }
                    if case .dropped = topic.continuation.yield(message) {
                        logger.warning(
                            "a gossip message is not read; it is dropped",
                            metadata: ["topic": "\(message.topic)", "sender": "\(sender)"])
                    }
                case .published(let message): outcome.published = message
                case .dial(let records):
                    recordContinuation.yield(records)
                    commandContinuation.yield(.dial(records))
                case .protect(let peer): state.protectedPeers.insert(peer)
                case .release(let peer): state.protectedPeers.remove(peer)
                case .disconnect(let peer, let fault):
                    commandContinuation.yield(.disconnect(peer, fault))
                case .note(let peer, let note):
                    let text = "\(note)"
                    let kind = text.prefix { $0 != "(" }
                    if let count = state.noteLogs[kind, default: LogThrottle()].add(1, now: now) {
                        notes.append((peer, text, count))
                    }
                }
            }
        }
        for note in notes {
            logger.info(
                "gossip",
                metadata: [
                    "peer": "\(note.peer)", "note": "\(note.text)", "count": "\(note.count)",
                ])
        }
        return outcome
    }

    private func send(
        _ rpc: GossipRPC, _ precedence: GossipPrecedence, to peer: PeerID, _ state: inout State
    ) {
        guard case .open(let link) = state.stages[peer] else { return }
        switch link.push(rpc.bytes, precedence) {
        case .queued(droppedCount: 0): break
        case .queued(let droppedCount):
            logger.info(
                "gossip frames dropped",
                metadata: ["peer": "\(peer)", "count": "\(droppedCount)"])
        case .dropped:
            logger.info("gossip frame dropped", metadata: ["peer": "\(peer)", "count": "1"])
        case .stalled: commandContinuation.yield(.disconnect(peer, .stalled))
        }
    }

    /// Hands in what a peer sent, and asks the application about its messages, one by one.
    func receive(_ bytes: [UInt8], from peer: PeerID) async {
        for (message, sender, validator) in perform(.received(peer, bytes)).validations {
            let verdict = await validator(message, sender)
            perform(.judged(message.id, verdict))
        }
    }
}
