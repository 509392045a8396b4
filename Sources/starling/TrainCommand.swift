internal import Adapters
internal import ArgumentParser
internal import Checkpoints
internal import Models
internal import Training

/// Trains an adapter on this machine alone, with the trainer that a node uses.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train an adapter on this machine alone.",
        discussion: """
            Writes a PEFT folder. Ctrl-C finishes the step, writes what has been learned, and ends \
            with 0.
            """
    )

    @Option(help: "A GGUF file, a Hugging Face folder, or a name in the store.")
    var model: String

    @Option(parsing: .upToNextOption, help: "Files (.txt, .jsonl) or folders of them.")
    var data: [String]

    @Option(help: "The PEFT folder to write.")
    var output: String

    @Option(help: "Optimizer steps.")
    var steps = 100

    @Option(help: "Rows of a step.")
    var batch = 2

    @Option(help: "Positions of a row.")
    var length = 256

    @Option(help: "Decides the adapter's start, the held-out part and the order of rows.")
    var seed: UInt64 = 0

    @OptionGroup(title: "Adapter") var adapter: AdapterOptions
    @OptionGroup(title: "Optimizer") var optimizer: OptimizerOptions
    @OptionGroup(title: "Held-out text") var heldOut: HeldOutOptions

    @Option(help: "Predict the answer only, or everything.")
    var lossOn: LossOption = .answer

    @Option(help: "Rows that pass the model at once; fewer than a batch take less memory.")
    var rowsPerPass: Int?

    @Option(help: "Print every Nth step, and the last.")
    var logEvery = 1

    @Option(help: ArgumentHelp("Write the rows of every step to a file.", visibility: .hidden))
    var dumpBatches: String?

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var home: HomeOptions
    @OptionGroup var format: OutputOptions

    /// The settings of the trainer that the options ask for.
    var settings: TrainingSettings {
        TrainingSettings(
            batchSize: batch,
            sequenceLength: length,
            learningRate: optimizer.learningRate,
            warmupStepCount: optimizer.warmup,
            totalStepCount: steps,
            weightDecay: optimizer.weightDecay,
            gradientClip: optimizer.clip == 0 ? nil : optimizer.clip,
            seed: seed,
            rowsPerPass: rowsPerPass
        )
    }

    func validate() throws {
        do throws(TrainingError) {
            try settings.validate()
        } catch {
            throw ValidationError("\(error).")
        }
        guard logEvery >= 1 else {
            throw ValidationError("--log-every is \(logEvery); give 1 or more.")
        }
        try adapter.check()
        try heldOut.check()
        try compute.check()
    }

    func run() throws {
        try withConsole(format) { console in
            compute.apply()
            try OutputFolder.check(output)
            let dataset = try TextDataset(paths: data)
            let loaded = try LoadedModel(
                named: model, home: home, options: compute.modelOptions)
            let data = try TrainingData(
                dataset,
                encoder: ExampleEncoder(
                    tokenizer: loaded.tokenizer,
                    // T inputs and their T targets take T + 1 tokens.
                    rowTokenCountMax: try loaded.checkedLength(length) + 1,
                    vocabularySize: loaded.model.configuration.vocabularySize,
                    scope: lossOn.scope
                ),
                heldOutFraction: heldOut.heldOut,
                seed: seed
            )
            let adapter = try adapter.make(for: loaded, seed: seed)
            let trainer = try LocalTrainer(
                model: AdaptedModel(model: loaded.model, adapter: adapter),
                data: data,
                settings: settings
            )
            try TrainRun(
                trainer: trainer,
                adapter: adapter,
                modelName: loaded.name,
                command: self,
                console: console
            ).run()
        }
    }
}

/// What the adapter is like.
struct AdapterOptions: ParsableArguments {
    @Option(help: "The rank of every pair of matrices; 8 unless told otherwise.")
    var rank: Int?

    @Option(help: "The strength of the adapter; twice the rank unless told otherwise.")
    var alpha: Double?

    @Option(help: "all, or a list such as q_proj,v_proj.")
    var targets: TargetList?

    @Option(help: "A PEFT folder to begin from; it decides rank, strength and targets.")
    var startAdapter: String?

    func check() throws {
        if let rank, !(1...1_024).contains(rank) {
            throw ValidationError("--rank is \(rank); give 1 to 1024.")
        }
        if let alpha, !(alpha > 0 && alpha.isFinite) {
            throw ValidationError("--alpha is \(alpha); give a number above 0.")
        }
        if startAdapter != nil, alpha != nil || rank != nil || targets != nil {
            throw ValidationError(
                "--start-adapter decides rank, alpha and targets; leave out those options."
            )
        }
    }

    /// The adapter that training begins with.
    func make(for loaded: LoadedModel, seed: UInt64) throws(CommandFailure) -> LoRAAdapter {
        if let startAdapter { return try loaded.adapter(path: startAdapter) }
        // Alpha of twice the rank is what the field starts from.
        let rank = rank ?? 8
        return LoRAAdapter(
            configuration: LoRAConfiguration(
                rank: rank,
                alpha: alpha ?? Double(2 * rank),
                targets: targets?.projections ?? Projection.allCases
            ),
            model: loaded.model.configuration,
            seed: seed
        )
    }
}

/// `all`, or names of projections with commas between them.
struct TargetList: ExpressibleByArgument {
    let projections: [Projection]

    init?(argument: String) {
        if argument == "all" {
            projections = Projection.allCases
            return
        }
        var projections: [Projection] = []
        for name in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let projection = Projection(rawValue: String(name)) else { return nil }
            projections.append(projection)
        }
        self.projections = projections
    }

    static var allValueStrings: [String] { ["all"] + Projection.allCases.map(\.rawValue) }
}

/// How parameters are moved.
struct OptimizerOptions: ParsableArguments {
    @Option(help: "The peak of the learning rate.")
    var learningRate = 1e-3

    @Option(help: "Steps in which the learning rate rises.")
    var warmup = 0

    @Option(help: "Decoupled weight decay.")
    var weightDecay = 0.0

    @Option(help: "The bound of the gradient's norm; 0 for none.")
    var clip = 1.0
}

/// What is kept apart, and when it is looked at.
struct HeldOutOptions: ParsableArguments {
    @Option(help: "The share of the data that is not trained on, but evaluated before and after.")
    var heldOut = 0.0

    @Option(help: "Also evaluate after every Nth step.")
    var evaluateEvery: Int?

    @Option(help: "Stop after so many evaluations that brought nothing better.")
    var patience: Int?

    func check() throws {
        guard heldOut >= 0, heldOut < 1 else {
            throw ValidationError("--held-out is \(heldOut); give a share from 0 to below 1.")
        }
        if let evaluateEvery, evaluateEvery < 1 {
            throw ValidationError("--evaluate-every is \(evaluateEvery); give 1 or more.")
        }
        if let patience, patience < 1 {
            throw ValidationError("--patience is \(patience); give 1 or more.")
        }
        if patience != nil, evaluateEvery == nil || heldOut == 0 {
            throw ValidationError("--patience needs --held-out and --evaluate-every.")
        }
    }
}
