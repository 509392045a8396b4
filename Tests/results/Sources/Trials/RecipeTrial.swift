internal import Adapters
internal import ArgumentParser
internal import Checkpoints
internal import Kernels
internal import Models
internal import Training

/// Thirty steps on two plays, measured on a third: the recipe that adapters were compared with.
///
/// Tokens of `macbeth` and `hamlet` in rows of 128, two rows a step in a fixed order; loss on 12 rows
/// of `othello`. AdamW without decay, at a constant rate.
struct RecipeTrial: ParsableCommand {
    enum Method: String, CaseIterable, ExpressibleByArgument {
        case lora, read
    }

    static let configuration = CommandConfiguration(commandName: "recipe")

    /// The rows of the steps, two each.
    private static let pairs = [
        (206, 369), (389, 150), (403, 249), (25, 397), (235, 549), (305, 92), (60, 579),
        (514, 200), (432, 90), (644, 309), (296, 515), (251, 470), (332, 527), (655, 161),
        (285, 36), (73, 342), (287, 528), (649, 483), (658, 71), (125, 358), (452, 543),
        (358, 151), (127, 95), (319, 79), (608, 529), (364, 227), (653, 85), (161, 104),
        (401, 364), (218, 461),
    ]
    private static let rowTokenCount = 128
    private static let validationTokens = 2000..<3536

    @Option(help: "A GGUF file or a Hugging Face folder.") var model: String
    @Option(help: "The folder of the plays.") var plays: String
    @Option var method: Method
    @Option var cell = "gru"
    @Option(help: "The values of READ's state.") var hidden = 256
    @Option(help: "last or mean.") var aggregate = "last"
    @Option(help: "LoRA's rank; alpha is twice that.") var rank = 8
    @Option(help: "Train LoRA in the last layers only, as many.") var lastLayers: Int?
    @Option(help: "Rates to try, one after another.") var learningRate: [Double]
    @Option(help: "Clip gradients to a norm of 1 from this rate on.") var clipFrom = 5e-3
    @Option var threads = 1
    @Option(help: "The steps, at most 30.") var steps = 30
    @Option var output: String

    /// What a run with one rate came to.
    struct Run: Encodable {
        let learningRate: Double
        let clips: Bool
        let trainingLosses: [Double?]
        let validationLoss: Double?
        let processorSecondsPerStep: Double
    }

    struct Record: Encodable {
        let dataset = "plays"
        let method: String
        let cell: String?
        let stateSize: Int?
        let aggregation: String?
        let rank: Int?
        let lastLayerCount: Int?
        let trainedCount: Int
        let model: String
        let computeType: String
        let stepCount: Int
        let seed = 1
        let threadCount: Int
        let baseLoss: Double
        let runs: [Run]
    }

    func run() throws {
        ComputeThreads.set(threads)
        let journal = Journal()
        let trialModel = try TrialModel(path: model)
        let training = Self.rows(
            try tokens(["macbeth_gut.txt", "hamlet_gut.txt"], trialModel))
        let validation = Self.rows(
            Array(try tokens(["othello_gut.txt"], trialModel)[Self.validationTokens]))
        let base = Evaluator.evaluate(
            AdaptedModel(model: trialModel.model, adapter: nil), on: validation, rowsPerPass: 4)
        var runs: [Run] = []
        var trainedCount = 0
        for rate in learningRate {
            let adapter = try makeAdapter(trialModel.configuration)
            trainedCount = adapter.parameterCount
            runs.append(
                try run(
                    rate: rate, adapter: adapter, model: trialModel.model,
                    training: training, validation: validation, journal: journal))
        }
        try RecordFile.write(
            Record(
                method: method.rawValue, cell: method == .read ? cell : nil,
                stateSize: method == .read ? hidden : nil,
                aggregation: method == .read ? aggregate : nil,
                rank: method == .lora ? rank : nil, lastLayerCount: lastLayers,
                trainedCount: trainedCount, model: trialModel.name,
                computeType: "\(trialModel.model.options.computeType)", stepCount: stepCount,
                threadCount: threads, baseLoss: base.loss, runs: runs),
            to: output)
    }

    private var stepCount: Int { min(steps, Self.pairs.count) }

    private func tokens(_ files: [String], _ model: TrialModel) throws -> [Int32] {
        try files.flatMap { file in
            try TextDataset(paths: ["\(plays)/\(file)"])
                .rows(encoder: model.encoder(length: Int(Int32.max)))
                .flatMap(\.tokens)
        }
    }

    private static func rows(_ tokens: [Int32]) -> [TokenRow] {
        stride(from: 0, to: tokens.count - rowTokenCount + 1, by: rowTokenCount).map { start in
            // What is told is loss per token, so the bytes don't matter.
            TokenRow(text: Array(tokens[start..<start + rowTokenCount]), byteCount: rowTokenCount)
        }
    }

    private func makeAdapter(
        _ model: ModelConfiguration
    ) throws -> any TrainableAdapter {
        guard method == .lora else {
            guard let cell = RecurrentCell(rawValue: cell),
                let aggregation = READConfiguration.Aggregation(rawValue: aggregate)
            else { throw ValidationError("--cell \(cell) --aggregate \(aggregate) is unknown.") }
            return READAdapter(
                configuration: READConfiguration(
                    stateSize: hidden, cell: cell, aggregation: aggregation),
                model: model, seed: 1)
        }
        return LoRAAdapter(
            configuration: LoRAConfiguration(
                rank: rank, alpha: Double(2 * rank),
                layers: lastLayers.flatMap {
                    LoRAConfiguration.lastLayers($0, of: model.layerCount)
                }),
            model: model, seed: 1)
    }

    private func run(
        rate: Double, adapter: any TrainableAdapter, model: CausalLanguageModel,
        training: [TokenRow], validation: [TokenRow], journal: Journal
    ) throws -> Run {
        let adapted = AdaptedModel(model: model, adapter: adapter)
        var optimizer = AdamW(parameterCount: adapter.parameterCount)
        let clips = rate >= clipFrom
        let began = journal.processorSeconds
        var losses: [Double] = []
        for (first, second) in Self.pairs.prefix(stepCount) {
            let batch = TokenBatch(
                rows: [training[first % training.count], training[second % training.count]])
            adapter.zeroGradients()
            let sum = adapted.accumulateGradients(batch, normalizer: Double(batch.targetCount))
            losses.append(sum.nats / Double(sum.tokenCount))
            unsafe adapter.withGradients { buffer in
                var gradients = unsafe buffer.mutableSpan
                if clips { GradientClipping.clip(&gradients, to: 1) }
                unsafe adapter.withParameters { parameterBuffer in
                    var parameters = unsafe parameterBuffer.mutableSpan
                    optimizer.update(
                        &parameters, gradients: gradients.span, learningRate: rate)
                }
            }
        }
        let seconds = journal.processorSeconds - began
        let loss = Evaluator.evaluate(adapted, on: validation, rowsPerPass: 4).loss
        journal.note("\(method) \(rate): \(loss)")
        return Run(
            learningRate: rate, clips: clips, trainingLosses: losses.map { $0.isFinite ? $0 : nil },
            validationLoss: loss.isFinite ? loss : nil,
            processorSecondsPerStep: seconds / Double(stepCount))
    }
}
