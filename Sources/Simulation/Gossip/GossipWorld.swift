internal import Cryptography
internal import Federation
internal import Tensors

/// The gossiping nodes, the network between them and the clock.
///
/// One queue orders everything.
struct GossipWorld {
    /// A node: what survives a crash, and what does not.
    struct Node {
        let index: Int
        let key: SigningKey
        var records: [String: [UInt8]] = [:]
        var objects: [ObjectID: [UInt8]] = [:]
        var log: [LogRecord] = []
        /// Running exactly while this is there.
        var instance: GossipInstance?
        /// Counts starts: what was under way in an earlier life reaches nobody.
        var life = 0
        var connections: Set<Int> = []
        var directiveCount = 0
        var isFinished = false
        var isGone = false
        var adopted: ObjectID?
    }

    /// What happens at a point in simulated time.
    enum Occurrence {
        case start(node: Int)
        case tick(node: Int, life: Int)
        case checkConnections
        case deliver(from: Int, to: Int, bytes: [UInt8])
        case trained(node: Int, life: Int, round: UInt64, base: ObjectID)
        case published(node: Int, life: Int, round: UInt64, state: ObjectID, exampleCount: Int)
        case fetchEnds(node: Int, life: Int, FetchOrder)
        case mixEnds(node: Int, life: Int, MixOrder)
    }

    let seed: UInt64
    let scenario: GossipScenario
    let manifest: SignedManifest
    let initialAdapter: NamedTensors
    let layout: AdapterLayout
    let inspector: StateInspector
    let mix: StateMix
    let indices: [PublicKey: Int]

    var generator: SimulationGenerator
    var nodes: [Node]
    var queue = EventQueue<Occurrence>()
    var checker: GossipChecker
    var ledger: GossipLedger
    var trace = BLAKE2bHasher()
    var milliseconds: UInt64 = 0
    var messageCount = 0
    var byteCount = 0
    var fetchedByteCount = 0
    var crashCount = 0

    init(seed: UInt64, scenario: GossipScenario) {
        self.seed = seed
        self.scenario = scenario
        generator = SimulationGenerator(seed: seed)
        initialAdapter = StubTrainer.initialAdapter(seed: seed)
        let layout = AdapterLayout(of: initialAdapter)
        self.layout = layout
        let nodes = (0..<scenario.nodeCount).map { index in
            let material = Hashing.blake2b256(Array("node \(seed) \(index)".utf8))
            guard let key = SigningKey(seed: material.bytes) else {
                preconditionFailure("32 bytes make a key")
            }
            return Node(index: index, key: key)
        }
        self.nodes = nodes
        indices = Dictionary(
            uniqueKeysWithValues: nodes.map { ($0.key.publicKey, $0.index) })
        manifest = GossipTrainer.manifest(
            scenario: scenario, author: nodes[0].key, initialAdapter: initialAdapter)
        inspector = StateInspector(manifest: manifest, initialAdapter: initialAdapter)
        mix = StateMix(manifest: manifest.manifest, layout: layout)
        checker = GossipChecker(manifest: manifest, layout: layout)
        ledger = GossipLedger(layout: layout)
        for index in nodes.indices {
            let seconds = SimulationWorld.value(of: scenario.startSeconds, at: index)
            queue.insert(.start(node: index), at: UInt64(seconds * 1000) + UInt64(index % 10) * 20)
        }
        queue.insert(.checkConnections, at: 1)
    }

    var now: Timestamp { Timestamp(milliseconds: milliseconds) }

    mutating func runToEnd() throws(SimulationFailure) {
        let limit = UInt64(scenario.limitSeconds * 1000)
        while !isOver, let next = queue.removeFirst() {
            milliseconds = next.time
            guard milliseconds <= limit else {
                throw .stalled(
                    heights: nodes.map {
                        $0.instance?.status(now: now).completedRoundCount ?? 0
                    })
            }
            try happen(next.element)
        }
    }

    /// Whether every node that will ever run again is through.
    var isOver: Bool { nodes.allSatisfy { $0.isFinished || $0.isGone } }

    private mutating func happen(_ occurrence: Occurrence) throws(SimulationFailure) {
        switch occurrence {
        case .start(let node): try start(node)
        case .tick(let node, let life):
            guard isAlive(node, life) else { return }
            queue.insert(occurrence, at: milliseconds + 250)
            try tell(node, .tick)
        case .checkConnections:
            queue.insert(occurrence, at: milliseconds + 1000)
            try checkConnections()
        case .deliver(let sender, let receiver, let bytes):
            guard nodes[receiver].instance != nil, canReach(sender, receiver),
                nodes[receiver].connections.contains(sender)
            else { return }
            try tell(receiver, .received(from: nodes[sender].key.publicKey, bytes: bytes))
        case .trained(let node, let life, let round, let base):
            guard isAlive(node, life) else { return }
            try trained(node, round: round, base: base)
        case .published(let node, let life, let round, let state, let exampleCount):
            guard isAlive(node, life) else { return }
            try ready(
                node, round: round, base: state, exampleCount: exampleCount,
                state: self.state(state, of: node))
        case .fetchEnds(let node, let life, let order):
            guard isAlive(node, life) else { return }
            try fetchEnds(node, order)
        case .mixEnds(let node, let life, let order):
            guard isAlive(node, life) else { return }
            try mixEnds(node, order)
        }
    }

    func isAlive(_ node: Int, _ life: Int) -> Bool {
        nodes[node].instance != nil && nodes[node].life == life
    }

    /// Hands an event to a node and carries out its directives, one by one, unless it crashes.
    mutating func tell(_ node: Int, _ event: Event) throws(SimulationFailure) {
        guard var instance = nodes[node].instance else { return }
        // Taken out while it works, so that no copy is made.
        nodes[node].instance = nil
        let directives = instance.handle(event, now: now)
        try checker.check(bounds: instance, node: node)
        nodes[node].instance = instance
        let life = nodes[node].life
        var wasDurable = false
        for directive in directives {
            // Neighbouring durable directives are one transaction: it is carried out or it is not.
            let isDurable = directive.isDurable
            if !(wasDurable && isDurable), crashes(node) {
                crash(node)
                return
            }
            wasDurable = isDurable
            nodes[node].directiveCount += 1
            try carryOut(directive, node: node)
            guard isAlive(node, life) else { return }
        }
    }

    mutating func note(_ what: StaticString, _ node: Int, _ bytes: [UInt8] = []) {
        trace.update(Array("\(milliseconds) \(what) \(node) ".utf8))
        trace.update(bytes)
    }

    // MARK: Starts, crashes and connections

    private mutating func start(_ node: Int) throws(SimulationFailure) {
        guard nodes[node].instance == nil, !nodes[node].isGone else { return }
        if nodes[node].records.isEmpty {
            let initial = manifest.manifest.initialAdapterDigest
            nodes[node].objects[initial] = AdapterStateCodec.encode(initialAdapter)
            if !scenario.learnsRoster {
                nodes[node].records = GossipInstance.records(
                    ofMembers: nodes.map(\.key), manifest: manifest)
            }
        }
        do throws(RestoreError) {
            nodes[node].instance = try GossipInstance(
                restored: RestoredState(manifest: manifest, records: nodes[node].records),
                baseModelDigest: manifest.manifest.baseModelDigest, signer: nodes[node].key,
                retainedRoundCount: 3, now: now)
        } catch {
            throw .notRestorable(node: node, error)
        }
        nodes[node].life += 1
        nodes[node].isFinished = false
        note("start", node)
        queue.insert(
            .tick(node: node, life: nodes[node].life),
            at: milliseconds + generator.number(in: 1...250))
        try tell(node, .started)
        try checkConnections(of: node)
    }

    private mutating func crashes(_ node: Int) -> Bool {
        let count = nodes[node].directiveCount
        return scenario.kills.contains { $0.node == node && $0.afterDirectives == count }
            || generator.chance(scenario.crashRate)
    }

    private mutating func crash(_ node: Int) {
        crashCount += 1
        note("crash", node)
        nodes[node].instance = nil
        let peers = nodes[node].connections
        nodes[node].connections = []
        for peer in peers.sorted() { nodes[peer].connections.remove(node) }
        for peer in peers.sorted() {
            // The others hear of it with the next look at the connections.
            lostConnections.append((peer, node))
        }
        let kill = scenario.kills.first {
            $0.node == node && $0.afterDirectives == nodes[node].directiveCount
        }
        // The point is passed: the next life does not die there again.
        nodes[node].directiveCount += 1
        if scenario.behaviors[node] == .forgets {
            nodes[node].records = [:]
            nodes[node].objects = [:]
            checker.forgot(node)
        }
        guard let kill else {
            let span = generator.number(in: scenario.restartMilliseconds)
            queue.insert(.start(node: node), at: milliseconds + span)
            return
        }
        guard let seconds = kill.restartSeconds else {
            nodes[node].isGone = true
            return
        }
        queue.insert(.start(node: node), at: milliseconds + UInt64(seconds * 1000))
    }

    /// Connections that broke and that the first node of each pair has not been told of.
    var lostConnections: [(Int, Int)] = []
}

extension Directive {
    fileprivate var isDurable: Bool {
        switch self {
        case .persist, .forget, .persistEntry, .appendLog: true
        default: false
        }
    }
}
