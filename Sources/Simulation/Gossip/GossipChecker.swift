internal import Cryptography
internal import Federation
internal import Tensors

/// Watches everything that gossiping nodes say and store, and throws at the first wrong.
struct GossipChecker {
    private let manifest: SignedManifest
    private let mix: StateMix
    private var statements: [WireInspection.Statement.Place: Digest] = [:]
    /// The rounds of each node's means, which must grow.
    private var rounds: [Int: UInt64] = [:]
    private var verdicts: [ObjectID: Bool] = [:]
    /// What an audit of each node's log comes to.
    private var histories: [Int: GossipHistory] = [:]
    private var mixCount = 0

    init(manifest: SignedManifest, layout: AdapterLayout) {
        self.manifest = manifest
        mix = StateMix(manifest: manifest.manifest, layout: layout)
    }

    /// Takes a message that a node sends, whether or not it will arrive: it must not contradict an
    /// earlier one, whatever lives lie between.
    mutating func sent(
        _ bytes: [UInt8], node: Int, key: PublicKey
    ) throws(SimulationFailure) {
        guard let statement = WireInspection.statement(in: bytes, from: key) else { return }
        let place = statement.place
        if let earlier = statements.updateValue(statement.digest, forKey: place),
            earlier != statement.digest
        {
            throw .doubleStatement(
                node: node, subject: place.subject.rawValue, height: place.height,
                view: place.view)
        }
    }

    /// Takes the verdict on a state that came in.
    mutating func judged(_ objectID: ObjectID, isSound: Bool) {
        verdicts[objectID] = isSound
    }

    /// Takes a record that a node logs.
    ///
    /// A mean's shares must sum to 1, its inputs be as many as allowed, announced by their members
    /// and sound, its rounds grow, and its outcome follow from its objects.
    mutating func logged(
        _ record: LogRecord, node: Int, key: PublicKey, objects: [ObjectID: [UInt8]],
        layout: AdapterLayout
    ) throws(SimulationFailure) {
        try audit(record, node: node, key: key)
        guard case .mixed(let record) = record else { return }
        let order = record.order
        let exchange = manifest.manifest.exchange
        let shares = order.shares(halfLife: exchange.stalenessHalfLife)
        let sum = shares.reduce(0, +)
        guard shares.allSatisfy({ $0 >= 0 && $0 <= 1 }), abs(sum - 1) < 1e-12 || order.isIdle
        else { throw .unsoundMean(node: node, round: order.round, what: "shares sum to \(sum)") }
        let evidence = record.signatures.flatMap { $0 }
        guard order.member == key, order.inputs.count < exchange.groupMemberCountMax,
            order.inputs.allSatisfy({ $0.member != key }),
            record.isProven(by: evidence, manifest: manifest.digest)
        else { throw .unsoundMean(node: node, round: order.round, what: "its inputs") }
        for input in order.inputs where verdicts[input.objectID] != true {
            throw .unsoundMean(node: node, round: order.round, what: "a refused state is in it")
        }
        if let earlier = rounds[node], order.newestRound < earlier {
            throw .unsoundMean(node: node, round: order.round, what: "round \(earlier) was before")
        }
        rounds[node] = order.newestRound
        try repeatMean(record, node: node, objects: objects, layout: layout)
    }

    /// Takes the record as an auditor of the node's log does.
    private mutating func audit(
        _ record: LogRecord, node: Int, key: PublicKey
    ) throws(SimulationFailure) {
        let start = GossipHistory(manifest: manifest.manifest, member: key)
        do {
            try histories[node, default: start].take(LogRecordReader.read(record.payload), at: 0)
        } catch {
            let round = histories[node]?.round ?? 0
            throw .unsoundMean(
                node: node, round: round, what: "its log contradicts itself: \(error)")
        }
    }

    /// Forms every seventh mean again from the logged inputs.
    private mutating func repeatMean(
        _ record: MixRecord, node: Int, objects: [ObjectID: [UInt8]], layout: AdapterLayout
    ) throws(SimulationFailure) {
        mixCount += 1
        guard mixCount % 7 == 0, !record.order.inputs.isEmpty else { return }
        let order = record.order
        do {
            let own = try AdapterStateCodec.decode(objects[order.ownState] ?? [], layout: layout)
            var states: [StateView] = []
            for input in order.inputs {
                let bytes = objects[input.objectID] ?? []
                states.append(
                    try StateView(bytes, layout: layout, byteCountMax: .max))
            }
            let parts = try mix.parts(of: order, own: own, inputs: states)
            let mean = try mix.mean(of: parts, round: order.newestRound)
            guard AdapterStateCodec.digest(of: mean.state) == record.adapterDigest else {
                throw SimulationFailure.unsoundMean(
                    node: node, round: order.round, what: "its outcome cannot be repeated")
            }
        } catch let failure as SimulationFailure {
            throw failure
        } catch {
            throw .brokenStore(node: node, object: order.ownState)
        }
    }

    func check(bounds instance: GossipInstance, node: Int) throws(SimulationFailure) {
        for size in instance.boundedSizes where size.count > size.bound {
            throw .boundExceeded(node: node, name: size.name, count: size.count)
        }
    }

    /// A node that forgets its store starts its rounds again.
    mutating func forgot(_ node: Int) {
        rounds[node] = nil
        histories[node] = nil
    }
}

extension MixOrder {
    /// Whether nothing counts: a node that has trained nothing and heard nothing.
    fileprivate var isIdle: Bool { inputs.isEmpty && ownExampleCount == 0 }
}
