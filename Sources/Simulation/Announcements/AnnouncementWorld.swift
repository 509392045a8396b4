internal import Cryptography
internal import LibP2P

/// The announcing nodes, the network between them and the clock.
///
/// One queue orders everything.
struct AnnouncementWorld {
    /// A node: its key and whom it dials outlast a kill.
    struct Node {
        let key: SigningKey
        let peerID: PeerID
        let behavior: AnnouncementScenario.Behavior
        /// Running exactly while this is there.
        var instance: GossipsubInstance?
        /// Counts starts: what was under way in an earlier life reaches nobody.
        var life = 0
        var startedAt: UInt64 = 0
        /// The nodes that it dials, now and whenever one of them is gone.
        var wanted: [Int] = []
        /// The connections, with the number of each.
        var connections: [Int: Int] = [:]
    }

    /// What happens at a point in simulated time.
    enum Occurrence {
        case start(node: Int)
        case heartbeat(node: Int, life: Int)
        case deliver(from: Int, to: Int, connection: Int, bytes: [UInt8])
        case keepConnections
        case kill
        case announce(number: Int)
        case check(number: Int)
    }

    static let topic = "/starling/simulation/announce/1"

    let seed: UInt64
    let scenario: AnnouncementScenario
    let numbers: [PeerID: Int]
    var generator: SimulationGenerator
    var nodes: [Node]
    var queue = EventQueue<Occurrence>()
    var checker: AnnouncementChecker
    var trace = BLAKE2bHasher()
    var milliseconds: UInt64 = 0
    var connectionCount = 0
    /// When the last control frame of each connection and direction arrives.
    var controlArrivals: [[Int]: UInt64] = [:]
    var traffic = AnnouncementTraffic()

    init(seed: UInt64, scenario: AnnouncementScenario) {
        precondition(scenario.nodeCount >= 2, "\(scenario.nodeCount) nodes")
        self.seed = seed
        self.scenario = scenario
        var generator = SimulationGenerator(seed: seed)
        var nodes = (0..<scenario.nodeCount).map { index in
            let material = Hashing.blake2b256(Array("announcer \(seed) \(index)".utf8))
            guard let key = SigningKey(seed: material.bytes) else {
                preconditionFailure("32 bytes make a key")
            }
            return Node(
                key: key, peerID: PeerID(publicKey: key.publicKey),
                behavior: scenario.behavior(of: index))
        }
        numbers = Dictionary(
            uniqueKeysWithValues: nodes.enumerated().map { ($0.element.peerID, $0.offset) })
        for node in nodes.indices {
            var wanted: Set<Int> = []
            while wanted.count < min(scenario.dialCount, scenario.nodeCount - 1) {
                let other = Int(generator.number(in: 0...UInt64(scenario.nodeCount - 1)))
                if other != node { wanted.insert(other) }
            }
            nodes[node].wanted = wanted.sorted()
            queue.insert(.start(node: node), at: generator.number(in: 0...1_000))
        }
        self.nodes = nodes
        self.generator = generator
        checker = AnnouncementChecker(scenario: scenario)
        queue.insert(.keepConnections, at: 500)
        if scenario.killsPerSecond > 0 { queue.insert(.kill, at: 8_000) }
        for number in 0..<scenario.announcementCount {
            queue.insert(.announce(number: number), at: 10_000 + UInt64(number) * 1_000)
        }
    }

    /// The time since the beginning.
    var now: Duration { .milliseconds(Int64(milliseconds)) }
    var seconds: Double { Double(milliseconds) / 1_000 }

    mutating func runToEnd() throws(SimulationFailure) {
        while !checker.isOver, let next = queue.removeFirst() {
            milliseconds = next.time
            try happen(next.element)
        }
    }

    private mutating func happen(_ occurrence: Occurrence) throws(SimulationFailure) {
        switch occurrence {
        case .start(let node): try start(node)
        case .heartbeat(let node, let life):
            guard isAlive(node, life) else { return }
            queue.insert(occurrence, at: milliseconds + 1_000)
            try tell(node, .heartbeat)
            if nodes[node].behavior == .forges { forge(node) }
            try checkMesh(of: node)
        case .deliver(let sender, let receiver, let connection, let bytes):
            guard nodes[receiver].connections[sender] == connection else { return }
            try tell(receiver, .received(nodes[sender].peerID, bytes))
        case .keepConnections:
            queue.insert(occurrence, at: milliseconds + 500)
            try keepConnections()
        case .kill:
            let wait = generator.number(in: 1...UInt64(2_000 / scenario.killsPerSecond))
            queue.insert(occurrence, at: milliseconds + wait)
            try killOne()
        case .announce(let number): try announce(number)
        case .check(let number):
            try checker.check(number, nodes: nodes, milliseconds: milliseconds)
        }
    }

    func isAlive(_ node: Int, _ life: Int) -> Bool {
        nodes[node].instance != nil && nodes[node].life == life
    }

    // MARK: Nodes

    private mutating func start(_ node: Int) throws(SimulationFailure) {
        guard nodes[node].instance == nil else { return }
        nodes[node].life += 1
        nodes[node].startedAt = milliseconds
        // As a node that counts from the time: above every number of an earlier life.
        nodes[node].instance = GossipsubInstance(
            key: nodes[node].key, firstSequenceNumber: milliseconds << 20 | 1)
        note("start", node)
        queue.insert(
            .heartbeat(node: node, life: nodes[node].life),
            at: milliseconds + generator.number(in: 1...1_000))
        try tell(node, .subscribe(Self.topic))
        try keepConnections(of: node)
    }

    private mutating func killOne() throws(SimulationFailure) {
        let victim = Int(generator.number(in: 0...UInt64(nodes.count - 1)))
        guard nodes[victim].instance != nil else { return }
        note("kill", victim)
        traffic.killCount += 1
        nodes[victim].instance = nil
        for peer in nodes[victim].connections.keys.sorted() {
            try disconnect(victim, peer)
        }
        queue.insert(
            .start(node: victim),
            at: milliseconds + generator.number(in: scenario.restartMilliseconds))
    }

    private mutating func announce(_ number: Int) throws(SimulationFailure) {
        let settled = nodes.indices.filter { node in
            nodes[node].behavior == .honest && checker.isSettled(nodes[node], at: milliseconds)
        }
        guard !settled.isEmpty else { throw .stalled(heights: []) }
        let author = settled[Int(generator.number(in: 0...UInt64(settled.count - 1)))]
        let data = (0..<scenario.announcementByteCount).map { _ in
            UInt8(truncatingIfNeeded: generator.next())
        }
        checker.begin(number, author: author, nodes: nodes, milliseconds: milliseconds)
        queue.insert(
            .check(number: number),
            at: milliseconds + UInt64(AnnouncementScenario.deadlineSeconds * 1_000))
        try tell(author, .publish(topic: Self.topic, data: data))
    }

    /// Hands an event to a node and carries its directives out.
    mutating func tell(
        _ node: Int, _ event: GossipsubInstance.Event
    ) throws(SimulationFailure) {
        guard var instance = nodes[node].instance else { return }
        // Taken out while it works, so that no copy is made.
        nodes[node].instance = nil
        var directives = instance.handle(event, now: now, using: &generator)[...]
        while let directive = directives.popFirst() {
            switch directive {
            case .send(let peer, let rpc, let precedence):
                send(rpc, precedence, from: node, to: peer)
            case .validate(let message, _):
                directives.append(
                    contentsOf: instance.handle(
                        .judged(message.id, .accept), now: now, using: &generator))
            case .published(let message):
                checker.published(message, by: node)
                note("publish", node, message.bytes)
            case .deliver(let message, let sender):
                let from = numbers[sender] ?? node
                try checker.delivered(
                    message, to: node, from: from, life: nodes[node].life,
                    milliseconds: milliseconds)
                note("deliver", node, message.id.bytes)
            case .disconnect(let peer, _):
                guard let other = numbers[peer] else { continue }
                try checker.blamed(other, behavior: nodes[other].behavior, by: node)
            case .dial, .protect, .release, .note: break
            }
        }
        nodes[node].instance = instance
    }

    private func checkMesh(of node: Int) throws(SimulationFailure) {
        guard let instance = nodes[node].instance else { return }
        let mesh = instance.meshPeers(of: Self.topic)
        guard mesh.count <= instance.parameters.meshCountMax else {
            throw .boundExceeded(
                node: node, name: "mesh peers", count: mesh.count)
        }
        for peer in mesh {
            guard let other = numbers[peer], nodes[node].connections[other] != nil else {
                throw .strangerInMesh(node: node)
            }
        }
    }

    mutating func note(_ what: StaticString, _ node: Int, _ bytes: [UInt8] = []) {
        trace.update(Array("\(milliseconds) \(what) \(node) ".utf8))
        trace.update(bytes)
    }
}
