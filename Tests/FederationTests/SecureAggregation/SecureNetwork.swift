import Cryptography
import Tensors

@testable import Federation

/// Members of one group in one process, with a seeded network between them.
///
/// Each node's durable records survive a restart; nothing else does. Faults are closures.
struct SecureNetwork {
    struct Node {
        let key: SigningKey
        var policy: SecurePolicy
        var instance: SecureGroupInstance?
        var records: [String: [UInt8]] = [:]
        var opened: SecureSum?
        var transcript: SecureTranscript?
        var certified: SecureRoundCertificate?
        var end: SecureEnd?
        var refusals: [SecureRefusal] = []
        var evidence: [SecureEvidence] = []
        var warnings: [Int] = []
        /// Every frame that the node sent, in order, once for each send.
        var sent: [[UInt8]] = []
        var sentCounts: [UInt8: Int] = [:]
        var sentByteCount = 0

        var isAlive: Bool { instance != nil }
        func sent(_ kind: SecureFrame.Kind) -> [SecureFrame] {
            sent.compactMap { try? SecureFrame(bytes: $0) }.filter { $0.kind == kind }
        }
    }

    struct Delivery {
        let at: UInt64
        let order: UInt64
        let from: Int
        let to: Int
        let bytes: [UInt8]
    }

    /// How the network treats frames.
    struct Conditions {
        var delayMilliseconds: ClosedRange<UInt64> = 1...5
        var lossPercent = 0
        var duplicatePercent = 0
    }

    var nodes: [Node]
    var conditions = Conditions()
    var generator: TestGenerator
    var milliseconds: UInt64 = 1000
    /// What node `from` wants to send to `to`; what really travels, `nil` for nothing.
    var tamper: (_ from: Int, _ to: Int, _ bytes: [UInt8]) -> [UInt8]? = { $2 }
    /// Asked before a node's frame leaves: `true` stops the node for good, before it sends it.
    var stops: (_ node: Int, _ kind: UInt8, _ sentOfKind: Int) -> Bool = {
        _, _, _ in false
    }
    /// Told of every frame just before a node takes it.
    var watch: (_ instance: SecureGroupInstance, _ delivery: Delivery, _ now: Timestamp) -> Void = {
        _, _, _ in
    }
    private var queue: [Delivery] = []
    private var order: UInt64 = 0
    private var nextTick: UInt64 = 1000

    let inputs: [[UInt32]]
    let weights: [Int]

    /// Keys 1...count, in ascending order of their public halves.
    init(
        count: Int, elements: Int = 40, minimum: Int? = nil, seed: UInt64 = 1,
        network: SecretBytes? = nil, manifest: Digest = Fixtures.digest("manifest"),
        timing: SecureTiming = Self.timing
    ) throws {
        generator = TestGenerator(state: seed)
        let keys = (1...count).map { Fixtures.key(UInt8($0)) }
            .sorted { $0.publicKey < $1.publicKey }
        let format = Self.format(elements: elements)
        let policy = try SecurePolicy(
            manifestDigest: manifest, round: 7,
            baseDigest: Fixtures.digest("base"), schemaDigest: Fixtures.digest("schema"),
            format: format, candidates: keys.map(\.publicKey),
            beacon: Fixtures.digest("beacon \(seed)"),
            memberMinimum: minimum ?? SecureThresholds.memberMinimumDefault,
            networkKey: network, startedAtSeconds: 1_800_000_000, timing: timing)
        nodes = keys.map { Node(key: $0, policy: policy) }
        var inputs: [[UInt32]] = []
        var weights: [Int] = []
        var draws = TestGenerator(state: ~seed)
        for _ in keys {
            let weight = Int.random(in: 1...format.weightUnit, using: &draws)
            let bound = Int32(format.wordMagnitudeMax(weight: weight))
            var words: [UInt32] = []
            for _ in 0..<elements {
                words.append(UInt32(bitPattern: Int32.random(in: -bound...bound, using: &draws)))
            }
            inputs.append(words)
            weights.append(weight)
        }
        self.inputs = inputs
        self.weights = weights
    }

    static func format(elements: Int) -> SecureVectorFormat {
        SecureVectorFormat(
            elementCount: elements, fractionBitCount: 20, clipMagnitude: 1, weightUnit: 64)
    }

    /// Short spans, so that a round with failures is a few hundred ticks.
    static var timing: SecureTiming {
        var timing = SecureTiming()
        timing.joinSeconds = 2
        timing.stepSeconds = 2
        timing.fallbackSeconds = 1
        timing.dataSeconds = 2
        timing.signatureSeconds = 2
        timing.certificateSeconds = 20
        timing.statusSeconds = 0.5
        timing.silenceSeconds = 1.8
        return timing
    }

    var now: Timestamp { Timestamp(milliseconds: milliseconds) }

    /// Starts a node, after a stop again with fresh secrets and what it had stored.
    mutating func start(_ index: Int, contributes: Bool = true) {
        nodes[index].instance = SecureGroupInstance(
            policy: nodes[index].policy, signer: nodes[index].key, secrets: secrets(of: index),
            records: nodes[index].records, now: now)
        tell(index, .started)
        if contributes {
            tell(index, .contribution(words: inputs[index], weight: weights[index]))
        }
    }

    /// Other secrets for each node and start, and the same ones for the same seed.
    private mutating func secrets(of index: Int) -> RoundSecrets {
        let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return RoundSecrets(seed: SecretBytes(copying: bytes))
    }

    mutating func startAll() {
        for index in nodes.indices { start(index) }
    }

    mutating func tell(_ index: Int, _ event: SecureEvent) {
        let now = now
        guard let directives = nodes[index].instance?.handle(event, now: now) else { return }
        for directive in directives {
            guard nodes[index].isAlive else { return }
            carryOut(directive, for: index)
        }
    }

    private mutating func carryOut(_ directive: SecureDirective, for index: Int) {
        switch directive {
        case .persist(let key, let value): nodes[index].records[key] = value
        case .send(let receivers, let bytes): send(bytes, from: index, to: receivers)
        case .warnSmallGroup(let minimum): nodes[index].warnings.append(minimum)
        case .refused(_, let reason): nodes[index].refusals.append(reason)
        case .evidence(let evidence): nodes[index].evidence.append(evidence)
        case .transcript(let transcript): nodes[index].transcript = transcript
        case .opened(let sum):
            nodes[index].opened = sum
            tell(index, .adapterReady(sum.digest))
        case .certified(let certificate): nodes[index].certified = certificate
        case .ended(let end): nodes[index].end = end
        }
    }

    private mutating func send(_ bytes: [UInt8], from index: Int, to receivers: [PublicKey]) {
        let count = nodes[index].sentCounts[bytes[0], default: 0]
        if stops(index, bytes[0], count) {
            nodes[index].instance = nil
            return
        }
        nodes[index].sentCounts[bytes[0]] = count + 1
        nodes[index].sent.append(bytes)
        for receiver in receivers {
            guard let to = nodes.firstIndex(where: { $0.key.publicKey == receiver }),
                let travelling = tamper(index, to, bytes)
            else { continue }
            nodes[index].sentByteCount += bytes.count
            post(travelling, from: index, to: to)
        }
    }

    /// Puts a frame on its way.
    mutating func post(_ bytes: [UInt8], from: Int, to: Int) {
        guard Int.random(in: 0..<100, using: &generator) >= conditions.lossPercent else { return }
        let copies =
            Int.random(in: 0..<100, using: &generator) < conditions.duplicatePercent ? 2 : 1
        for _ in 0..<copies {
            let delay = UInt64.random(in: conditions.delayMilliseconds, using: &generator)
            order += 1
            queue.append(
                Delivery(
                    at: milliseconds + delay, order: order, from: from, to: to, bytes: bytes))
        }
    }

    /// Runs until every living node's round is over, or the condition holds, or time is up.
    mutating func run(
        seconds: Double = 150,
        until isDone: (SecureNetwork) -> Bool = { network in
            network.nodes.allSatisfy { !$0.isAlive || $0.end != nil }
        }
    ) {
        let end = milliseconds + UInt64(seconds * 1000)
        while milliseconds < end, !isDone(self) {
            sortQueue()
            while let next = queue.last, next.at <= nextTick {
                queue.removeLast()
                milliseconds = max(milliseconds, next.at)
                let before = queue.count
                if let instance = nodes[next.to].instance { watch(instance, next, now) }
                tell(
                    next.to,
                    .received(from: nodes[next.from].key.publicKey, bytes: next.bytes))
                if queue.count != before { sortQueue() }
            }
            milliseconds = max(milliseconds, nextTick)
            nextTick = milliseconds + 200
            for index in nodes.indices { tell(index, .tick) }
        }
    }

    /// Latest first, so that the next one is the last.
    private mutating func sortQueue() {
        queue.sort { $0.at != $1.at ? $0.at > $1.at : $0.order > $1.order }
    }

    /// The sum of those inputs in the ring, without any masks.
    func plainSum(of participants: [PublicKey]) -> (words: [UInt32], weight: UInt32) {
        var words = [UInt32](repeating: 0, count: inputs[0].count)
        var weight: UInt32 = 0
        for key in participants {
            guard let index = nodes.firstIndex(where: { $0.key.publicKey == key }) else { continue }
            for place in words.indices { words[place] &+= inputs[index][place] }
            weight &+= UInt32(weights[index])
        }
        return (words, weight)
    }

    /// Whether an opened sum is the plain one, bit for bit.
    func isExact(_ sum: SecureSum) -> Bool {
        let plain = plainSum(of: sum.participants)
        return plain.words == sum.words && plain.weight == sum.weight
    }

    /// What must hold after every run, whatever went wrong: equal sums, exact ones, nobody both
    /// kinds of shares, no second commit, and an update kept only where nothing of it left.
    func violations() -> [String] {
        var found: [String] = []
        let sums = nodes.compactMap(\.opened)
        if Set(sums.map(\.digest)).count > 1 { found.append("two sums") }
        if !sums.allSatisfy(isExact) { found.append("an inexact sum") }
        if Set(nodes.compactMap { $0.certified?.adapterDigest }).count > 1 {
            found.append("two results")
        }
        for (index, node) in nodes.enumerated() {
            let own = node.sent(.commit).filter { frame in frame.isSigned(by: node.key.publicKey) }
            if Set(own.map(\.bytes)).count > 1 { found.append("node \(index) committed twice") }
            let reveals = node.sent(.reveal).filter { $0.isSigned(by: node.key.publicKey) }
            if Set(reveals.map(\.body)).count > 1 { found.append("node \(index) revealed twice") }
            for reveal in reveals {
                guard let body = try? SecureReveal(reveal) else {
                    found.append("node \(index) sent a reveal that cannot be read")
                    continue
                }
                if body.shares.map(\.member) != Array(Set(body.shares.map(\.member))).sorted() {
                    found.append("node \(index) revealed two shares of one member")
                }
            }
            let hasSent = node.sent.contains {
                $0.first == SecureDataFrame.Kind.maskedShard.rawValue
            }
            if let end = node.end, end.keepsUpdate, hasSent {
                found.append("node \(index) keeps an update of which masked bytes left")
            }
        }
        return found
    }
}
