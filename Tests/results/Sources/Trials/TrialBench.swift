internal import Adapters
internal import Models
internal import Tensors
internal import Training

/// What came of an arm.
struct TrialOutcome {
    /// One for each node, on its own held-out text.
    var evaluations: [Evaluation] = []
    var rounds: [TrialRecord.Round] = []
    var trainedTokenCount = 0
    /// The bytes of each node's last update; empty where nothing is sent.
    var updateByteCounts: [Int] = []
}

/// What every arm needs: the nodes' text, the model and the settings.
struct TrialBench {
    let nodes: [NodeText]
    let model: CausalLanguageModel
    /// The whole adapter: what is evaluated, and what is trained where nothing is selected.
    let adapter: LoRAAdapter
    let settings: TextSettings
    let journal: Journal

    /// Optimizer steps of a node in the whole trial.
    var totalStepCount: Int { settings.roundCount * settings.localStepCount }

    /// The seed of a node's order of rows: the same in every arm.
    func seed(of node: Int) -> UInt64 { UInt64(settings.seed) << 16 + UInt64(node) }

    /// What a node trains of an adapter.
    func tier(of node: Int) -> MemberTier {
        let tiers = settings.tiers.compactMap(MemberTier.init(argument:))
        return tiers.isEmpty ? MemberTier(rank: settings.rank) : tiers[node % tiers.count]
    }

    /// A trainer of an adapter on the shared model; of the whole one unless told otherwise.
    func trainer(
        of adapter: (any TrainableAdapter)? = nil, on rows: [TokenRow], batchSize: Int,
        stepCount: Int, seed: UInt64
    ) throws -> LocalTrainer {
        try LocalTrainer(
            model: AdaptedModel(model: model, adapter: adapter ?? self.adapter),
            data: TrainingData(training: rows),
            settings: TrainingSettings(
                batchSize: batchSize, sequenceLength: settings.sequenceLength,
                learningRate: settings.learningRate,
                decay: LearningRateSchedule.Decay(rawValue: settings.decay) ?? .cosine,
                totalStepCount: stepCount, seed: seed, rowsPerPass: min(batchSize, 4)))
    }

    /// The adapter as it is now, on each node's held-out text.
    func evaluateAll() -> [Evaluation] {
        nodes.indices.map(evaluate)
    }

    /// The adapter as it is now, on a node's held-out text.
    func evaluate(_ node: Int) -> Evaluation {
        let evaluation = Evaluator.evaluate(
            AdaptedModel(model: model, adapter: adapter), on: nodes[node].heldOut, rowsPerPass: 4)
        journal.note("\(nodes[node].name): \(evaluation.bitsPerByte) bits per byte")
        return evaluation
    }

    func records(of outcome: TrialOutcome) -> [TrialRecord.Node] {
        nodes.indices.map { index in
            let evaluation = outcome.evaluations[index]
            var record = TrialRecord.Node(
                name: nodes[index].name, trainingRowCount: nodes[index].training.count,
                heldOutByteCount: evaluation.byteCount, heldOutTokenCount: evaluation.tokenCount,
                nats: evaluation.nats, bitsPerByte: evaluation.bitsPerByte)
            if !outcome.updateByteCounts.isEmpty {
                record.tier = tier(of: index).description
                record.updateByteCount = outcome.updateByteCounts[index]
            }
            return record
        }
    }
}
