internal import Cryptography
internal import Federation
internal import Tensors

/// The nodes of one ``AggregationTrial``.
struct AggregationWorld {
    private static let inputName = "task.lora_A.weight"
    private static let outputName = "task.lora_B.weight"

    private struct Node {
        let member: PublicKey
        let rank: Int
        var state: NamedTensors
        var memory: AggregationRound.Memory
    }

    private let trial: AggregationTrial
    private let task: RegressionTask
    private let layout: AdapterLayout
    /// The trial's settings, and the same with ring integers for mixing states.
    private let manifest: SignedManifest
    private let exactManifest: SignedManifest
    private var nodes: [Node]
    private var generator: SplitMix64
    private var droppedEnergy = 0.0
    private var byteCount = 0

    init(trial: AggregationTrial, seed: UInt64) {
        self.trial = trial
        generator = SplitMix64(seed: seed)
        task = RegressionTask(
            nodeCount: trial.ranks.count, size: trial.size, shift: trial.shift,
            generator: &generator)
        let start = Self.start(task.size, rank: trial.wireRank, generator: &generator)
        let layout = AdapterLayout(of: start)
        self.layout = layout
        manifest = Self.manifest(trial.settings, trial, layout, seed: seed)
        var exact = trial.settings
        exact.wireForm = .ring32
        // Version 1 knows no directions.
        if exact == .factorMean { exact.proximalStrength = 1e-9 }
        exactManifest = Self.manifest(exact, trial, layout, seed: seed)
        nodes = trial.ranks.enumerated().map { index, rank in
            Node(
                member: Self.key(UInt8(index + 1)).publicKey, rank: rank, state: start,
                memory: AggregationRound.Memory(layout: layout))
        }
        for index in nodes.indices { cut(&nodes[index]) }
    }

    /// A uniform in its usual bounds, B zero.
    private static func start(
        _ size: RegressionTask.Size, rank: Int, generator: inout SplitMix64
    ) -> NamedTensors {
        let bound = 1 / Double(size.input).squareRoot()
        let a = (0..<rank * size.input).map { _ in
            Float((2 * generator.fraction() - 1) * bound)
        }
        return NamedTensors([
            .init(
                name: inputName,
                tensor: FloatTensor(shape: Shape([rank, size.input]), values: a)),
            .init(
                name: outputName,
                tensor: FloatTensor(zeros: Shape([size.output, rank]))),
        ])
    }

    mutating func run(round: UInt64) throws(RejectReason) {
        byteCount = 0
        switch trial.mixing {
        case .none:
            for index in nodes.indices {
                nodes[index].state = train(index, round: round, from: nodes[index].state)
            }
        case .group: try runGroup(round: round)
        case .epidemic(let pushes): try runEpidemic(round: round, pushes: pushes)
        }
    }

    var outcome: AggregationTrial.Outcome {
        let errors = nodes.map { task.error(of: Self.product($0.state, rank: trial.wireRank)) }
        return AggregationTrial.Outcome(
            mean: errors.reduce(0, +) / Double(errors.count), worst: errors.max() ?? 0,
            floor: task.floor, droppedEnergy: droppedEnergy, byteCount: byteCount)
    }

    // One consensus, as in a federation.

    private mutating func runGroup(round: UInt64) throws(RejectReason) {
        let step = AggregationRound(manifest: manifest, layout: layout, round: round)
        let consensus = nodes[0].state
        var updates: [AdapterUpdate] = []
        for index in nodes.indices {
            let selection = step.select(
                member: nodes[index].member,
                capacity: TrainingCapacity(rank: nodes[index].rank))
            let start = try step.begin(consensus, selection: selection)
            let trained = train(index, round: round, from: start, selection: selection)
            let delta = trained.subtracting(start)
            let quantized = try UpdateQuantizer(manifest: manifest).quantize(
                .init(
                    delta: delta, selection: selection,
                    exampleCount: trial.localStepCount * trial.size.batch,
                    stepCount: trial.localStepCount),
                round: round, base: AdapterStateCodec.digest(of: consensus),
                member: nodes[index].member, feedback: &nodes[index].memory.feedback,
                using: &generator)
            let bytes = AdapterUpdateCodec.encode(quantized.update)
            byteCount += bytes.count
            updates.append(
                try AdapterUpdateCodec.decode(
                    bytes, byteCountMax: manifest.manifest.updateByteCountMax))
        }
        let aggregate = try step.aggregate(updates, onto: consensus)
        droppedEnergy = aggregate.droppedEnergy
        for index in nodes.indices {
            nodes[index].memory = try step.remember(
                nodes[index].memory,
                own: AggregationRound.Part(
                    update: updates[index],
                    rateSum: Double(trial.localStepCount) * trial.learningRate),
                from: consensus, to: aggregate.adapter)
            nodes[index].state = aggregate.adapter
        }
    }

    // Every node mixes what it got with its own state: the aggregator's base is the receiver's
    // state, and each message counts as an update away from it.

    private mutating func runEpidemic(round: UInt64, pushes: Int) throws(RejectReason) {
        var inboxes = nodes.indices.map { [$0] }
        for index in nodes.indices {
            nodes[index].state = train(index, round: round, from: nodes[index].state)
            let others = generator.permutation(of: nodes.count).filter { $0 != index }
            for other in others.prefix(pushes) { inboxes[other].append(index) }
        }
        var sent: [NamedTensors] = []
        for index in nodes.indices { sent.append(try message(of: index, round: round)) }
        let states = nodes.map(\.state)
        let step = AggregationRound(manifest: exactManifest, layout: layout, round: round)
        for index in nodes.indices {
            var sum = step.makeAggregator()
            for peer in inboxes[index] {
                let state = peer == index ? states[peer] : sent[peer]
                var nothing = ErrorFeedback(layout: layout)
                try sum.add(
                    update(
                        to: state, from: states[index], of: peer, round: round,
                        manifest: exactManifest, feedback: &nothing))
            }
            let aggregate = try sum.finish(base: states[index])
            droppedEnergy = max(droppedEnergy, aggregate.droppedEnergy)
            if trial.settings.aggregator == SpectralMean.name, trial.settings.wireForm != .ring32 {
                let change = BasisChange(from: states[index], to: aggregate.adapter)
                nodes[index].memory.feedback = nodes[index].memory.feedback.moved(by: change)
            }
            nodes[index].state = aggregate.adapter
            cut(&nodes[index])
        }
    }

    /// A node's state as it arrives at others: in the wire form, with the feedback of its own.
    private mutating func message(
        of index: Int, round: UInt64
    ) throws(RejectReason) -> NamedTensors {
        let state = nodes[index].state
        guard trial.settings.wireForm != .ring32 else { return state }
        let zero = NamedTensors(
            state.elements.map {
                .init(name: $0.name, tensor: FloatTensor(zeros: $0.tensor.shape))
            })
        var feedback = nodes[index].memory.feedback
        let message = try update(
            to: state, from: zero, of: index, round: round, manifest: manifest,
            feedback: &feedback)
        nodes[index].memory.feedback = feedback
        byteCount += AdapterUpdateCodec.encode(message).count
        let ring = manifest.manifest.ring
        return NamedTensors(
            message.tensors.map { tensor in
                let unit =
                    Double(ring.weightUnit) / Double(tensor.weight)
                    / Double(1 << ring.fractionBitCount)
                return .init(
                    name: tensor.name,
                    tensor: FloatTensor(
                        shape: tensor.shape,
                        values: tensor.words.map { Float(Double(Int32(bitPattern: $0)) * unit) }))
            })
    }

    private mutating func update(
        to state: NamedTensors, from base: NamedTensors, of index: Int, round: UInt64,
        manifest: SignedManifest, feedback: inout ErrorFeedback
    ) throws(RejectReason) -> AdapterUpdate {
        let step = AggregationRound(manifest: manifest, layout: layout, round: round)
        let sendsPart = trial.selection == .aggregators && trial.keepsOwnRank
        let isPadded = trial.settings.aggregator != FactorMean.name || !sendsPart
        let selection = step.select(
            member: nodes[index].member,
            capacity: TrainingCapacity(rank: isPadded ? trial.wireRank : nodes[index].rank))
        return try UpdateQuantizer(manifest: manifest).quantize(
            .init(
                delta: state.subtracting(base), selection: selection,
                exampleCount: trial.localStepCount * trial.size.batch,
                stepCount: trial.localStepCount),
            round: round, base: AdapterStateCodec.digest(of: base),
            member: nodes[index].member, feedback: &feedback, using: &generator
        ).update
    }

    // Training.

    private mutating func train(
        _ index: Int, round: UInt64, from start: NamedTensors, selection: TensorSelection? = nil
    ) -> NamedTensors {
        let step = AggregationRound(manifest: manifest, layout: layout, round: round)
        let chosen =
            selection
            ?? step.select(
                member: nodes[index].member,
                capacity: TrainingCapacity(rank: nodes[index].rank))
        func directions(_ name: String, _ isTurn: Bool) -> [Int] {
            guard let entry = chosen[name], isTurn || !trial.alternates else { return [] }
            let all = entry.directions ?? Array(0..<trial.wireRank)
            return trial.selection == .leading ? Array(0..<all.count) : all
        }
        let trained = PairTrainer.Trained(
            input: directions(Self.inputName, round % 2 == 0),
            output: directions(Self.outputName, round % 2 == 1))
        var trainer = PairTrainer(
            a: start.elements[0].tensor.values, b: start.elements[1].tensor.values,
            rank: trial.wireRank, trained: trained, target: task.targets[index],
            deviation: task.deviations[index])
        for _ in 0..<trial.localStepCount {
            trainer.step(
                batchSize: trial.size.batch, learningRate: Float(trial.learningRate),
                generator: &generator)
        }
        var state = start
        for (element, values) in zip(start.elements, [trainer.a, trainer.b]) {
            state.replace(
                element.name,
                with: FloatTensor(shape: element.tensor.shape, values: values))
        }
        return state
    }

    /// Cuts a node's state to its own rank where the trial says so.
    private func cut(_ node: inout Node) {
        guard trial.keepsOwnRank else { return }
        let rank = trial.wireRank
        var (a, b) = (node.state.elements[0].tensor, node.state.elements[1].tensor)
        for direction in node.rank..<max(rank, node.rank) {
            for input in 0..<task.size.input {
                a.values[direction * task.size.input + input] = 0
            }
            for output in 0..<task.size.output { b.values[output * rank + direction] = 0 }
        }
        node.state.replace(Self.inputName, with: a)
        node.state.replace(Self.outputName, with: b)
    }

    private static func product(_ state: NamedTensors, rank: Int) -> [Double] {
        let a = state.elements[0].tensor.values
        let b = state.elements[1].tensor.values
        let (inputs, outputs) = (a.count / rank, b.count / rank)
        var product = [Double](repeating: 0, count: outputs * inputs)
        for output in 0..<outputs {
            for direction in 0..<rank {
                let factor = Double(b[output * rank + direction])
                for input in 0..<inputs {
                    product[output * inputs + input] +=
                        factor * Double(a[direction * inputs + input])
                }
            }
        }
        return product
    }

    private static func key(_ number: UInt8) -> SigningKey {
        guard let key = SigningKey(seed: [UInt8](repeating: number, count: 32)) else {
            preconditionFailure("32 bytes make a key")
        }
        return key
    }

    private static func manifest(
        _ settings: Manifest.AggregationSettings, _ trial: AggregationTrial,
        _ layout: AdapterLayout, seed: UInt64
    ) -> SignedManifest {
        let author = key(1)
        let examples = trial.localStepCount * trial.size.batch
        var weightUnit = 1
        while weightUnit < examples { weightUnit *= 2 }
        let none = Hashing.blake2b256([])
        do {
            let manifest = try Manifest(
                name: "aggregation", baseModelDigest: none, baseModelName: "regression",
                tokenizerDigest: none, initialAdapterDigest: none,
                adapter: .init(
                    rank: trial.wireRank, alpha: Double(trial.wireRank), targets: ["task"],
                    initializationSeed: seed),
                training: .init(
                    roundCount: max(trial.roundCount, 1), localStepCount: trial.localStepCount,
                    batchSize: trial.size.batch, sequenceLength: 1,
                    learningRate: trial.learningRate),
                // States travel too, so the clip is wide.
                ring: .init(fractionBitCount: 20, clipMagnitude: 16, weightUnit: weightUnit),
                normBound: 10_000,
                membership: .init(startMemberCount: 1, quorumMinimum: 1),
                updateByteCountMax: layout.updateByteCount(under: settings),
                author: author.publicKey, createdAtSeconds: 0, aggregation: settings)
            return try SignedManifest(signing: manifest, with: author)
        } catch {
            preconditionFailure("the trial \(trial.label) makes no manifest: \(error)")
        }
    }
}
