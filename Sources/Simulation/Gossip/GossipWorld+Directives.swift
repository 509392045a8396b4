internal import Cryptography
internal import Federation
internal import Tensors

/// What a node's shell would do, and the network between the shells.
extension GossipWorld {
    mutating func carryOut(
        _ directive: Directive, node: Int
    ) throws(SimulationFailure) {
        let life = nodes[node].life
        switch directive {
        case .persist(let key, let value):
            nodes[node].records[key] = value
        case .forget(let keys):
            for key in keys { nodes[node].records[key] = nil }
        case .appendLog(let record):
            nodes[node].log.append(record)
            try checker.logged(
                record, node: node, key: nodes[node].key.publicKey,
                objects: nodes[node].objects, layout: layout)
        case .send(let receivers, let bytes):
            try send(bytes, from: node, to: receivers)
        case .fetch(let order):
            let delay = generator.number(in: scenario.delayMilliseconds)
            queue.insert(
                .fetchEnds(node: node, life: life, order), at: milliseconds + 2 * delay)
        case .startTraining(let round, let base):
            let span = SimulationWorld.value(of: scenario.trainingMilliseconds, at: node)
            queue.insert(
                .trained(node: node, life: life, round: round, base: base),
                at: milliseconds + span + generator.number(in: 0...span / 8 + 1))
        case .publish(let round, let state, let exampleCount):
            queue.insert(
                .published(
                    node: node, life: life, round: round, state: state,
                    exampleCount: exampleCount),
                at: milliseconds + generator.number(in: 1...20))
        case .mix(let order):
            queue.insert(
                .mixEnds(node: node, life: life, order),
                at: milliseconds + generator.number(in: 1...50))
        case .adopt(let adapter, _, let round):
            guard let bytes = nodes[node].objects[adapter] else {
                throw .brokenStore(node: node, object: adapter)
            }
            nodes[node].adopted = adapter
            note("adopt", node, adapter.bytes)
            guard isHonest(node) else { return }
            ledger.adopted(
                bytes, node: node, round: round, milliseconds: milliseconds)
        case .discard(let objects):
            for object in objects { nodes[node].objects[object] = nil }
        case .notify(.stateMixed(let round, let inputCount, let distance)):
            guard isHonest(node) else { return }
            ledger.mixed(round: round, inputCount: inputCount, distance: distance)
        case .finished:
            nodes[node].isFinished = true
        case .cancelFetch, .refuse, .notify, .stopTraining, .membershipReply:
            break
        case .persistEntry, .sendChain, .aggregate, .sendFrame, .aggregateSum, .storeSum:
            preconditionFailure("a federation that gossips certifies nothing")
        }
    }

    func isHonest(_ node: Int) -> Bool {
        let behavior = scenario.behaviors[node] ?? .honest
        return behavior == .honest || behavior == .shouts
    }

    // MARK: Messages

    private mutating func send(
        _ bytes: [UInt8], from node: Int, to receivers: [PublicKey]
    ) throws(SimulationFailure) {
        let behavior = scenario.behaviors[node] ?? .honest
        let key = nodes[node].key.publicKey
        let statement = WireInspection.statement(in: bytes, from: key)
        if behavior != .forgets { try checker.sent(bytes, node: node, key: key) }
        var targets = receivers.compactMap { indices[$0] }
        if behavior == .shouts, statement != nil {
            targets = Array(nodes[node].connections).sorted()
        }
        for receiver in targets { post(bytes, from: node, to: receiver) }
    }

    /// Puts a message on the way, or not.
    private mutating func post(_ bytes: [UInt8], from sender: Int, to receiver: Int) {
        messageCount += 1
        byteCount += bytes.count
        guard nodes[sender].connections.contains(receiver), canReach(sender, receiver),
            !generator.chance(scenario.lossRate)
        else { return }
        let copies = generator.chance(scenario.duplicateRate) ? 2 : 1
        for _ in 0..<copies {
            let delay = generator.number(in: scenario.delayMilliseconds)
            queue.insert(
                .deliver(from: sender, to: receiver, bytes: bytes), at: milliseconds + delay)
        }
        note("send", sender, bytes)
    }

    /// Whether bytes can pass between two nodes now.
    func canReach(_ left: Int, _ right: Int) -> Bool {
        guard nodes[left].instance != nil, nodes[right].instance != nil else { return false }
        let seconds = Double(milliseconds) / 1000
        return scenario.partitions.allSatisfy { partition in
            seconds < partition.startSeconds || seconds >= partition.endSeconds
                || partition.side.contains(left) == partition.side.contains(right)
        }
    }

    /// Breaks connections that cannot be and sets up those that somebody wants.
    mutating func checkConnections() throws(SimulationFailure) {
        let lost = lostConnections
        lostConnections = []
        for (node, peer) in lost where !nodes[node].connections.contains(peer) {
            try tell(node, .disconnected(nodes[peer].key.publicKey))
        }
        for node in nodes.indices {
            for peer in nodes[node].connections.sorted() where !canReach(node, peer) {
                nodes[node].connections.remove(peer)
                nodes[peer].connections.remove(node)
                try tell(node, .disconnected(nodes[peer].key.publicKey))
                try tell(peer, .disconnected(nodes[node].key.publicKey))
            }
            try checkConnections(of: node)
        }
    }

    /// Connects a node with the peers that it wants; one that knows nobody knows the author and its
    /// neighbours.
    mutating func checkConnections(of node: Int) throws(SimulationFailure) {
        guard let instance = nodes[node].instance else { return }
        let wanted = instance.status(now: now).gossip?.wantedPeers ?? []
        var peers = Set(wanted.compactMap { indices[$0] })
        if peers.count < 4 { peers.formUnion([0, (node + 1) % nodes.count]) }
        for peer in peers.sorted() where peer != node {
            guard !nodes[node].connections.contains(peer), canReach(node, peer) else { continue }
            nodes[node].connections.insert(peer)
            nodes[peer].connections.insert(node)
            try tell(node, .connected(nodes[peer].key.publicKey))
            try tell(peer, .connected(nodes[node].key.publicKey))
        }
    }

    // MARK: Objects

    mutating func fetchEnds(_ node: Int, _ order: FetchOrder) throws(SimulationFailure) {
        let objectID = order.objectID
        if nodes[node].objects[objectID] == nil {
            let holder = order.sources.compactMap { indices[$0] }.first {
                canReach(node, $0) && nodes[$0].objects[objectID] != nil
            }
            guard let holder, !generator.chance(scenario.fetchFailureRate) else {
                try tell(node, .objectFetchFailed(objectID))
                return
            }
            nodes[node].objects[objectID] = nodes[holder].objects[objectID]
            fetchedByteCount += nodes[node].objects[objectID]?.count ?? 0
        }
        guard let bytes = nodes[node].objects[objectID] else {
            throw .brokenStore(node: node, object: objectID)
        }
        switch order.kind {
        case .adapter: try tell(node, .objectFetched(objectID, .adapter))
        case .state(let summary):
            let verdict = inspector.verdict(on: bytes, announced: summary)
            if case .success = verdict {
                checker.judged(objectID, isSound: true)
            } else {
                checker.judged(objectID, isSound: false)
            }
            try tell(node, .objectFetched(objectID, .update(verdict)))
        case .update: preconditionFailure("a federation that gossips sums no updates")
        }
    }

    func state(_ id: ObjectID, of node: Int) throws(SimulationFailure) -> NamedTensors {
        do {
            return try AdapterStateCodec.decode(nodes[node].objects[id] ?? [], layout: layout)
        } catch {
            throw .brokenStore(node: node, object: id)
        }
    }

    mutating func mixEnds(_ node: Int, _ order: MixOrder) throws(SimulationFailure) {
        let own = try state(order.ownState, of: node)
        let mean: (state: NamedTensors, droppedEnergy: Double)
        let distance: ConsensusDistance
        do throws(RejectReason) {
            var inputs: [StateView] = []
            for input in order.inputs {
                inputs.append(
                    try inspector.view(
                        nodes[node].objects[input.objectID] ?? [], announced: input))
            }
            let parts = try mix.parts(of: order, own: own, inputs: inputs)
            mean = try mix.mean(of: parts, round: order.newestRound)
            distance = try ConsensusDistance(of: parts, order: order, layout: layout)
        } catch {
            throw .unsoundMean(node: node, round: order.round, what: error.sentence)
        }
        let bytes = AdapterStateCodec.encode(mean.state)
        let digest = ContentAddress.id(of: bytes)
        nodes[node].objects[digest] = bytes
        let outcome = MixOutcome(
            adapterDigest: digest, distance: distance, droppedEnergy: mean.droppedEnergy)
        try tell(node, .mixed(round: order.round, outcome: outcome))
    }

    // MARK: Training

    mutating func trained(
        _ node: Int, round: UInt64, base: ObjectID
    ) throws(SimulationFailure) {
        let start = try state(base, of: node)
        let moved = GossipTrainer.trained(
            start, scale: scenario.trainingScale, generator: &generator)
        try ready(node, round: round, base: base, exampleCount: 8, state: moved)
    }

    mutating func ready(
        _ node: Int, round: UInt64, base: ObjectID, exampleCount: Int, state: NamedTensors
    ) throws(SimulationFailure) {
        let member = nodes[node].key.publicKey
        let start = try self.state(base, of: node)
        let prepared: StateInspector.Prepared
        do throws(RejectReason) {
            prepared = try inspector.prepare(
                state, from: start, baseDigest: base, round: round, member: member,
                exampleCount: exampleCount)
        } catch {
            throw .unsoundMean(node: node, round: round, what: error.sentence)
        }
        let own = AdapterStateCodec.encode(prepared.state)
        let id = ContentAddress.id(of: own)
        nodes[node].objects[id] = own
        let (bytes, summary) = GossipTrainer.hostile(
            prepared, manifest: manifest, behavior: scenario.behaviors[node] ?? .honest)
        nodes[node].objects[summary.objectID] = bytes
        try tell(node, .stateReady(round: round, state: id, summary: summary))
    }
}
