internal import Cryptography
internal import Federation

/// What a node's shell would do.
extension SimulationWorld {
    mutating func carryOut(
        _ directive: Directive, node: Int, quorum: Int
    ) throws(SimulationFailure) {
        let life = nodes[node].life
        switch directive {
        case .persist(let key, let value):
            nodes[node].store.records[key] = value
        case .forget(let keys):
            for key in keys { nodes[node].store.records[key] = nil }
        case .persistEntry(let height, let bytes):
            try persistEntry(bytes, height: height, node: node)
        case .appendLog(let record):
            nodes[node].store.log.append(record)
        case .send(let receivers, let bytes):
            try checker.sent(bytes, node: node, key: nodes[node].key.publicKey, quorum: quorum)
            for receiver in receivers { post(bytes, from: node, to: receiver) }
        case .sendChain(let height, let receiver):
            var batch = ChainBatch()
            for entry in nodes[node].store.entries.dropFirst(Int(height) - 1) {
                guard batch.add(entry) else { break }
            }
            if let message = batch.message { post(message, from: node, to: receiver) }
        case .sendFrame(let receivers, let bytes):
            try checker.sentFrame(bytes, node: node, keys: nodes.map(\.key.publicKey))
            for receiver in receivers { post(bytes, from: node, to: receiver, isFrame: true) }
        case .aggregateSum(let order):
            try check(order, node: node)
            queue.insert(
                .sumEnds(node: node, life: life, order),
                at: milliseconds + generator.number(in: 1...50))
        case .storeSum(let bytes, let summary):
            try check(bytes, summary, node: node)
            nodes[node].store.objects[summary.objectID] = bytes
            queue.insert(
                .sumStored(node: node, life: life, summary),
                at: milliseconds + generator.number(in: 1...10))
        case .fetch(let order):
            let delay = generator.number(in: scenario.delayMilliseconds)
            queue.insert(
                .fetchEnds(node: node, life: life, order), at: milliseconds + 2 * delay)
        case .startTraining(let round, let base):
            nodes[node].training = SimulatedNode.Training(round: round, base: base)
            scheduleStep(node, round: round)
        case .stopTraining(let round):
            if nodes[node].training?.round == round { nodes[node].training?.isStopping = true }
        case .aggregate(let order):
            queue.insert(
                .aggregationEnds(node: node, life: life, order),
                at: milliseconds + generator.number(in: 1...50))
        case .adopt(let adapter, let height, _):
            guard nodes[node].store.objects[adapter] != nil else {
                throw .brokenStore(node: node, object: adapter)
            }
            nodes[node].adopted = adapter
            try checker.adopted(adapter, height: height)
        case .notify(let notification):
            nodes[node].notifications.append(notification)
            if case .departed = notification { nodes[node].isGone = true }
        case .finished:
            nodes[node].isFinished = true
        case .cancelFetch, .refuse, .membershipReply:
            break
        case .publish, .mix, .discard:
            preconditionFailure("a federation that certifies averages no states")
        }
    }

    private mutating func persistEntry(
        _ bytes: [UInt8], height: UInt64, node: Int
    ) throws(SimulationFailure) {
        guard height == UInt64(nodes[node].store.entries.count) + 1 else {
            throw .gapInEntries(node: node, height: height)
        }
        try checker.stored(bytes, node: node)
        nodes[node].store.entries.append(bytes)
        if entryMilliseconds[height] == nil { entryMilliseconds[height] = milliseconds }
        note("entry", node, bytes)
    }

    /// Puts a message on the way, or not.
    private mutating func post(
        _ bytes: [UInt8], from sender: Int, to receiver: PublicKey, isFrame: Bool = false
    ) {
        guard let receiver = indices[receiver] else { return }
        messageCount += 1
        byteCount += bytes.count
        guard canReach(sender, receiver), !generator.chance(scenario.lossRate) else { return }
        let copies = generator.chance(scenario.duplicateRate) ? 2 : 1
        for _ in 0..<copies {
            let delay = generator.number(in: scenario.delayMilliseconds)
            queue.insert(
                isFrame
                    ? .deliverFrame(from: sender, to: receiver, bytes: bytes)
                    : .deliver(from: sender, to: receiver, bytes: bytes),
                at: milliseconds + delay)
        }
        note("send", sender, bytes)
    }

    // MARK: Objects

    mutating func fetchEnds(_ node: Int, _ order: FetchOrder) throws(SimulationFailure) {
        let objectID = order.objectID
        if nodes[node].store.objects[objectID] == nil {
            let holder = order.sources.compactMap { indices[$0] }.first {
                canReach(node, $0) && nodes[$0].store.objects[objectID] != nil
            }
            guard let holder, !generator.chance(scenario.fetchFailureRate) else {
                try tell(node, .objectFetchFailed(objectID))
                return
            }
            nodes[node].store.objects[objectID] = nodes[holder].store.objects[objectID]
        }
        guard let bytes = nodes[node].store.objects[objectID] else {
            throw .brokenStore(node: node, object: objectID)
        }
        switch order.kind {
        case .adapter: try tell(node, .objectFetched(objectID, .adapter))
        case .state: preconditionFailure("a federation that certifies fetches no states")
        case .update(let summary):
            let verdict = UpdateInspector.check(
                bytes, manifest: manifest, layout: layout, round: summary.round,
                base: summary.baseAdapterDigest, member: summary.member)
            try tell(node, .objectFetched(objectID, .update(verdict)))
        }
    }

    // MARK: Training

    private mutating func scheduleStep(_ node: Int, round: UInt64) {
        let span = Self.value(of: scenario.stepMilliseconds, at: node)
        queue.insert(
            .trainingStep(node: node, life: nodes[node].life, round: round),
            at: milliseconds + span)
    }

    mutating func trainingStep(_ node: Int, round: UInt64) throws(SimulationFailure) {
        guard var training = nodes[node].training, training.round == round else { return }
        training.stepsDone += 1
        nodes[node].training = training
        let seconds = Double(Self.value(of: scenario.stepMilliseconds, at: node)) / 1000
        try tell(
            node,
            .trainingProgressed(
                round: round, stepsDone: training.stepsDone, secondsPerStep: seconds))
        guard let after = nodes[node].training, after.round == round else { return }
        guard after.isStopping || after.stepsDone >= scenario.localStepCount else {
            scheduleStep(node, round: round)
            return
        }
        nodes[node].training = nil
        let update = StubTrainer.update(
            world: self, node: node, training: after, generator: &generator)
        guard scenario.secure == nil else {
            try handIn(update, round: round, node: node)
            return
        }
        let bytes = AdapterUpdateCodec.encode(update)
        let summary = update.summary(bytes: bytes)
        nodes[node].store.objects[summary.objectID] = bytes
        try tell(node, .updateReady(round: round, summary: summary))
    }

    mutating func aggregationEnds(
        _ node: Int, _ order: AggregationOrder
    ) throws(SimulationFailure) {
        guard let baseBytes = nodes[node].store.objects[order.baseAdapterDigest] else {
            throw .brokenStore(node: node, object: order.baseAdapterDigest)
        }
        do {
            let round = AggregationRound(
                manifest: manifest, layout: layout, round: order.round)
            var sum = try RoundSum(round, base: baseBytes, participants: order.participants)
            while sum.needsPass {
                for participant in order.participants {
                    try sum.add(nodes[node].store.objects[participant.objectID] ?? [])
                }
                try sum.endPass()
            }
            let bytes = AdapterStateCodec.encode(sum.aggregate.adapter)
            let digest = Hashing.blake2b256(bytes)
            nodes[node].store.objects[digest] = bytes
            let outcome = AggregateOutcome(
                sumDigest: sum.aggregate.sumDigest, adapterDigest: digest)
            try tell(node, .aggregated(height: order.height, outcome: outcome))
        } catch let failure as SimulationFailure {
            throw failure
        } catch {
            throw .brokenStore(node: node, object: order.baseAdapterDigest)
        }
    }
}
