import Cryptography
import LibP2P

/// Many instances on a network of one seed, which decides links, delays, losses and heartbeats.
struct GossipNetwork {
    enum Action {
        case heartbeat
        case frame(from: Int, [UInt8])
        case act(Int)
    }

    private struct Step {
        let time: Duration
        let number: Int
        let node: Int
        let action: Action

        func isBefore(_ other: Step) -> Bool {
            time == other.time ? number < other.number : time < other.time
        }
    }

    static let topic = GossipBench.topic

    var nodes: [GossipsubInstance] = []
    var links: [Set<Int>] = []
    /// The share of frames that are lost; control is not, as in the send queue of a node.
    var lossRate = 0.0
    /// Nodes that are not run: what is sent to them is handed to ``attack``.
    var attackers: Set<Int> = []
    /// What an attacker sends when it is its turn: to whom, and what.
    var attack: (Int) -> [(Int, GossipRPC)] = { _ in [] }
    /// The verdict of every node.
    var judge: (GossipMessage) -> GossipVerdict = { _ in .accept }
    /// Called after each heartbeat with the node that has had it.
    var check: (GossipsubInstance, Duration) -> Void = { _, _ in }

    private(set) var now = Duration.zero
    private(set) var deliveries: [[GossipMessageID: Int]] = []
    private(set) var published: [GossipMessageID] = []
    private(set) var messageFrameCount = 0
    private var generator: SeededGenerator
    private var steps: [Step] = []
    private var stepCount = 0
    private var numbers: [PeerID: Int] = [:]

    /// Makes nodes that dial so many random others each, and subscribes them all.
    init(
        nodeCount: Int, dialCount: Int = 8, seed: UInt64,
        parameters: GossipParameters = GossipParameters(), attackers: Set<Int> = []
    ) throws {
        generator = SeededGenerator(seed: seed)
        self.attackers = attackers
        for number in 0..<nodeCount {
            let key = try SamplePeer(number).key
            nodes.append(
                GossipsubInstance(key: key, firstSequenceNumber: 1, parameters: parameters))
            numbers[nodes[number].peerID] = number
        }
        links = Array(repeating: [], count: nodeCount)
        deliveries = Array(repeating: [:], count: nodeCount)
        for number in 0..<nodeCount {
            give(.subscribe(Self.topic), to: number)
            let phase = Duration.milliseconds(Int.random(in: 0..<1_000, using: &generator))
            add(number, after: phase, attackers.contains(number) ? .act(0) : .heartbeat)
        }
        for number in 0..<nodeCount {
            for other in (0..<nodeCount).shuffled(using: &generator).prefix(dialCount + 1)
            where other != number && !links[number].contains(other) {
                connect(number, other)
            }
        }
    }

    mutating func connect(_ dialer: Int, _ listener: Int) {
        links[dialer].insert(listener)
        links[listener].insert(dialer)
        give(.connected(nodes[listener].peerID, GossipPeer(isOutbound: true)), to: dialer)
        give(.connected(nodes[dialer].peerID, GossipPeer(isOutbound: false)), to: listener)
    }

    mutating func publish(_ data: [UInt8], by number: Int) {
        give(.publish(topic: Self.topic, data: data), to: number)
    }

    /// Runs everything that happens until a time.
    mutating func run(until end: Duration) {
        while let step = steps.first, step.time <= end {
            popStep()
            now = step.time
            switch step.action {
            case .heartbeat:
                give(.heartbeat, to: step.node)
                check(nodes[step.node], now)
                add(step.node, after: .seconds(1), .heartbeat)
            case .frame(let sender, let bytes):
                give(.received(nodes[sender].peerID, bytes), to: step.node)
            case .act(let turn):
                for (receiver, rpc) in attack(step.node) {
                    add(receiver, after: .milliseconds(1), .frame(from: step.node, rpc.bytes))
                }
                add(step.node, after: .milliseconds(200), .act(turn + 1))
            }
        }
        now = end
    }

    /// The honest nodes that lack a message, with the number of those they lack.
    var missing: [Int: Int] {
        var missing: [Int: Int] = [:]
        for (number, held) in deliveries.enumerated() where !attackers.contains(number) {
            let own = nodes[number].peerID.bytes
            let count = published.count { id in
                held[id] == nil && !id.bytes.starts(with: own)
            }
            if count > 0 { missing[number] = count }
        }
        return missing
    }

    private mutating func give(_ event: GossipsubInstance.Event, to number: Int) {
        if attackers.contains(number) {
            // It learns whom it is linked to, and says that it wants the topic, like the others.
            guard case .connected(let peer, _) = event, let other = numbers[peer] else { return }
            add(
                other, after: .milliseconds(1),
                .frame(from: number, GossipRPC.subscription([Self.topic]).bytes))
            return
        }
        for directive in nodes[number].handle(event, now: now, using: &generator) {
            switch directive {
            case .send(let peer, let rpc, let precedence):
                guard let receiver = numbers[peer] else { continue }
                messageFrameCount += rpc.messages.count
                if precedence != .control, Double.random(in: 0..<1, using: &generator) < lossRate {
                    continue
                }
                let delay = Duration.milliseconds(Int.random(in: 5..<50, using: &generator))
                add(receiver, after: delay, .frame(from: number, rpc.bytes))
            case .validate(let message, _):
                give(.judged(message.id, judge(message)), to: number)
            case .deliver(let message, _): deliveries[number][message.id, default: 0] += 1
            case .published(let message): published.append(message.id)
            case .dial, .protect, .release, .disconnect, .note: break
            }
        }
    }

    // MARK: A heap of steps

    private mutating func add(_ node: Int, after delay: Duration, _ action: Action) {
        stepCount += 1
        steps.append(Step(time: now + delay, number: stepCount, node: node, action: action))
        var child = steps.count - 1
        while child > 0, steps[child].isBefore(steps[(child - 1) / 2]) {
            steps.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func popStep() {
        steps.swapAt(0, steps.count - 1)
        steps.removeLast()
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < steps.count }
            guard let least = children.min(by: { steps[$0].isBefore(steps[$1]) }),
                steps[least].isBefore(steps[parent])
            else { return }
            steps.swapAt(parent, least)
            parent = least
        }
    }
}
