internal import Adapters
internal import ArgumentParser
internal import Checkpoints
internal import Kernels
internal import Models
internal import Training

/// Trains an adapter on this machine alone, with the trainer that a node uses.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train an adapter on this machine alone.",
        discussion: """
            Writes a PEFT folder, or one of READ's own with --method read. Ctrl-C finishes the step, writes what has been learned, and ends \
            with 0.

            A step averages over the tokens of --batch-size rows. With --micro-batch-size they pass \
            the model in parts, one after another, which takes less memory and gives the same \
            gradient; what others call gradient accumulation steps is the quotient of the two.

            With --checkpoint the run survives the end of its process at any moment: the same \
            command with --resume in place of --checkpoint goes on and ends with the same bytes, \
            as long as --threads and --micro-batch-size are the same.
            """
    )

    @Option(help: "A GGUF file, a Hugging Face folder, or a name in the store.")
    var model: String

    @Option(parsing: .upToNextOption, help: "Files (.txt, .jsonl) or folders of them.")
    var data: [String]

    @Option(help: "The folder to write.")
    var output: String

    @Option(help: "Optimizer steps.")
    var steps = 100

    @Option(
        name: [.customLong("batch-size"), .customLong("batch")],
        help: "Rows of an optimizer step."
    )
    var batchSize = 2

    @Option(help: "Rows that pass the model at once; all of a step unless told otherwise.")
    var microBatchSize: Int?

    @Option(help: "Positions of a row; 256 unless told otherwise, with --memory at most so many.")
    var length: Int?

    @Flag(help: "Fill each row with several short texts, which don't see each other.")
    var packing = false

    @Option(help: "Decides the adapter's start, the held-out part, the order of rows and dropout.")
    var seed: UInt64 = 0

    @OptionGroup(title: "Memory") var memory: MemoryOptions
    @OptionGroup(title: "Adapter") var adapter: AdapterOptions
    @OptionGroup(title: "Optimizer") var optimizer: OptimizerOptions
    @OptionGroup(title: "Held-out text") var heldOut: HeldOutOptions
    @OptionGroup(title: "Checkpoints") var checkpoints: CheckpointOptions
    @OptionGroup(title: "Loss") var loss: LossOptions

    @Option(help: "Print every Nth step, and the last.")
    var logEvery = 1

    @Option(help: ArgumentHelp("Write the rows of every step to a file.", visibility: .hidden))
    var dumpBatches: String?

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var home: HomeOptions
    @OptionGroup var format: OutputOptions

    /// The settings of the trainer that the options, or a plan for some memory, ask for.
    func settings(plan: MemoryPlan? = nil) -> TrainingSettings {
        let kind = plan?.optimizer ?? optimizer.optimizer
        let learningRate =
            kind == .mezo ? MeZO.learningRate : adapter.method.learningRate
        return TrainingSettings(
            batchSize: batchSize,
            sequenceLength: plan?.sequenceLength ?? length ?? TrainSession.standardLength,
            learningRate: optimizer.learningRate ?? learningRate,
            decay: optimizer.schedule.decay,
            warmupStepCount: optimizer.warmup,
            totalStepCount: steps,
            weightDecay: optimizer.weightDecay,
            gradientClip: optimizer.maxGradNorm == 0 ? nil : optimizer.maxGradNorm,
            seed: seed,
            rowsPerPass: plan?.microBatchSize ?? microBatchSize,
            dropout: optimizer.dropout,
            packsRows: packing,
            optimizer: kind,
            perturbation: optimizer.perturbation
        )
    }

    private var givenBesideMemory: String? {
        if microBatchSize != nil { return "--micro-batch-size" }
        if adapter.lastLayers != nil { return "--last-layers" }
        if adapter.startAdapter != nil { return "--start-adapter" }
        return compute.givenBesideMemory
    }

    func validate() throws {
        do throws(TrainingError) {
            try settings().validate()
        } catch {
            throw ValidationError("\(error).")
        }
        guard logEvery >= 1 else {
            throw ValidationError("--log-every is \(logEvery); give 1 or more.")
        }
        if let microBatchSize, !(1...batchSize).contains(microBatchSize) {
            throw ValidationError(
                "--micro-batch-size is \(microBatchSize); give 1 to --batch-size, \(batchSize)."
            )
        }
        if memory.memory != nil, let option = givenBesideMemory {
            throw ValidationError("\(option) is what --memory decides; leave out one of the two.")
        }
        try adapter.check()
        try heldOut.check()
        try checkpoints.check()
        try loss.check()
        try compute.check()
    }

    func run() throws {
        try withConsole(format) { console in
            try TrainSession(command: self, console: console).run()
        }
    }
}
