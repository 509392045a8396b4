internal import Cryptography
internal import Federation
internal import Tensors

/// The nodes, the network between them and the clock.
///
/// One queue orders everything.
struct SimulationWorld {
    let seed: UInt64
    let scenario: SimulationScenario
    let manifest: SignedManifest
    let initialAdapter: [UInt8]
    let layout: AdapterLayout
    let indices: [PublicKey: Int]

    var generator: SimulationGenerator
    var nodes: [SimulatedNode]
    var queue = EventQueue<Occurrence>()
    var checker = SafetyChecker()
    var trace = BLAKE2bHasher()
    var milliseconds: UInt64 = 0
    var entryMilliseconds: [UInt64: UInt64] = [:]
    var killedHeights: Set<UInt64> = []
    var doneFrameKills: Set<SimulationScenario.FrameKill> = []
    var messageCount = 0
    var byteCount = 0
    var crashCount = 0
    /// What each node handed in for secure rounds, by the round in which it was ready.
    var contributions: [PublicKey: [UInt64: SecureContribution]] = [:]

    init(seed: UInt64, scenario: SimulationScenario) {
        self.seed = seed
        self.scenario = scenario
        generator = SimulationGenerator(seed: seed)
        let adapter = StubTrainer.initialAdapter(seed: seed)
        layout = AdapterLayout(of: adapter)
        initialAdapter = AdapterStateCodec.encode(adapter)
        nodes = (0..<scenario.nodeCount).map { index in
            let material = Hashing.blake2b256(Array("node \(seed) \(index)".utf8))
            guard let key = SigningKey(seed: material.bytes) else {
                preconditionFailure("32 bytes make a key")
            }
            return SimulatedNode(index: index, key: key)
        }
        indices = Dictionary(
            uniqueKeysWithValues: nodes.map { ($0.key.publicKey, $0.index) })
        manifest = StubTrainer.manifest(
            scenario: scenario, author: nodes[0].key,
            initialAdapterDigest: Hashing.blake2b256(initialAdapter), layout: layout)
        for index in nodes.indices {
            let seconds = Self.value(of: scenario.startSeconds, at: index)
            queue.insert(.start(node: index), at: UInt64(seconds * 1000))
        }
        for (index, seconds) in scenario.leaveSeconds.sorted(by: { $0.key < $1.key }) {
            queue.insert(.askToLeave(node: index), at: UInt64(seconds * 1000))
        }
        for partition in scenario.partitions {
            queue.insert(.checkConnections, at: UInt64(partition.startSeconds * 1000))
            queue.insert(.checkConnections, at: UInt64(partition.endSeconds * 1000))
        }
    }

    static func value<Value>(of list: [Value], at index: Int) -> Value {
        precondition(!list.isEmpty, "a list of settings by node is empty")
        return list[min(index, list.count - 1)]
    }

    var now: Timestamp { Timestamp(milliseconds: milliseconds) }

    mutating func runToEnd() throws(SimulationFailure) {
        let limit = UInt64(scenario.limitSeconds * 1000)
        while !isOver, let next = queue.removeFirst() {
            milliseconds = next.time
            guard milliseconds <= limit else {
                throw .stalled(heights: nodes.map { UInt64($0.store.entries.count) })
            }
            try happen(next.element)
        }
        for node in nodes {
            try checker.check(log: node.store.log, entries: node.store.entries, node: node.index)
        }
    }

    /// Whether every node that will ever run again has adopted the final adapter.
    var isOver: Bool { nodes.allSatisfy { $0.isFinished || $0.isGone } }

    private mutating func happen(_ occurrence: Occurrence) throws(SimulationFailure) {
        switch occurrence {
        case .start(let node): try start(node)
        case .tick(let node, let life):
            guard isAlive(node, life) else { return }
            queue.insert(occurrence, at: milliseconds + 250)
            try tell(node, .tick)
        case .checkConnections: try checkConnections()
        case .connect(let left, let right): try connect(left, right)
        case .deliver(let sender, let receiver, let bytes):
            guard nodes[receiver].instance != nil, canReach(sender, receiver) else { return }
            try tell(receiver, .received(from: nodes[sender].key.publicKey, bytes: bytes))
        case .deliverFrame(let sender, let receiver, let bytes):
            guard nodes[receiver].instance != nil, canReach(sender, receiver) else { return }
            try tell(
                receiver, .receivedFrame(from: nodes[sender].key.publicKey, bytes: bytes))
        case .sumStored(let node, let life, let summary):
            guard isAlive(node, life) else { return }
            try tell(node, .updateReady(round: summary.round, summary: summary))
        case .sumEnds(let node, let life, let order):
            guard isAlive(node, life) else { return }
            try sumEnds(node, order)
        case .trainingStep(let node, let life, let round):
            guard isAlive(node, life) else { return }
            try trainingStep(node, round: round)
        case .fetchEnds(let node, let life, let order):
            guard isAlive(node, life) else { return }
            try fetchEnds(node, order)
        case .aggregationEnds(let node, let life, let order):
            guard isAlive(node, life) else { return }
            try aggregationEnds(node, order)
        case .askToLeave(let node):
            guard nodes[node].instance != nil else { return }
            try tell(node, .leaveRequested)
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
        let quorum = instance.decisionQuorum
        nodes[node].instance = instance
        let life = nodes[node].life
        for directive in directives {
            if crashes(node, before: directive) {
                crash(node, before: directive)
                return
            }
            nodes[node].directiveCount += 1
            try carryOut(directive, node: node, quorum: quorum)
            guard isAlive(node, life) else { return }
        }
    }

    mutating func note(_ what: StaticString, _ node: Int, _ bytes: [UInt8] = []) {
        trace.update(Array("\(milliseconds) \(what) \(node) ".utf8))
        trace.update(bytes)
    }

    func report(failure: SimulationFailure?) -> SimulationReport {
        let heights = checker.entries.keys.sorted()
        return SimulationReport(
            seed: seed, scenario: scenario.name, failure: failure,
            traceDigest: trace.finalize(), seconds: Double(milliseconds) / 1000,
            entries: heights.compactMap { checker.entries[$0] },
            entrySeconds: heights.map { Double(entryMilliseconds[$0, default: 0]) / 1000 },
            adapters: nodes.map(\.adopted),
            largestElements: nodes.map { node in
                let bytes = node.adopted.flatMap { node.store.objects[$0] }
                let adapter = bytes.flatMap { try? AdapterStateCodec.decode($0) }
                return adapter?.elements.flatMap(\.tensor.values).map(abs).max() ?? 0
            },
            areFinished: nodes.map(\.isFinished),
            logs: nodes.map(\.store.log), notifications: nodes.map(\.notifications),
            keys: nodes.map(\.key.publicKey), messageCount: messageCount, byteCount: byteCount,
            crashCount: crashCount)
    }
}
