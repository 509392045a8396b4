internal import Adapters
internal import ArgumentParser
internal import Cryptography
internal import Federation
internal import Kernels
internal import Models
internal import Training

/// One arm on text that is cut into nodes.
struct TextTrial: ParsableCommand {
    /// Who learns from whose text.
    enum Kind: String, CaseIterable, ExpressibleByArgument {
        /// Nobody learns.
        case base
        /// Each node from its own.
        case local
        /// One model from the very rows that all nodes see, as many steps as one node takes, each
        /// with the rows of all.
        case pooled
        /// The same rows one after another, as many steps as all nodes take together.
        case sequential
        /// Each node from its own, with aggregation after each round.
        case federation
    }

    static let configuration = CommandConfiguration(commandName: "text")

    @Option(help: "A GGUF file or a Hugging Face folder.") var model: String
    @Option(help: "A folder with NAME.train.txt and NAME.heldout.txt.") var data: String
    @Option var dataset: String
    @Option var dataVersion: String
    @Option var arm: String
    @Option var kind: Kind
    @Option var aggregator = SpectralMean.name
    @Option(help: "int8, int4 or ring32.") var wire = "int8"
    @Option var rounds = 5
    @Option(help: "Optimizer steps of a node in a round.") var steps = 6
    @Option(help: "Rows of a node's step.") var batch = 1
    @Option(help: "Tokens of a row.") var length = 256
    @Option var rank = 8
    @Option(help: "Twice the rank unless set.") var alpha: Double?
    @Option var learningRate = 1e-3
    @Option(help: "cosine, linear or constant.") var decay = "cosine"
    @Option var outerRate = 1.0
    @Option var outerMomentum = 0.0
    @Option(help: "FedProx's mu.") var proximal = 0.0
    @Flag(help: "SCAFFOLD without a server.") var controlVariates = false
    @Flag(help: "After each round make each A as long as it was at first; no product changes.")
    var keepInputNorms = false
    @Option(help: "LAYERS:RANK, as many as given; nodes take them in turn.")
    var tier: [MemberTier] = []
    @Option(help: "Rows of each held-out text that count.") var heldOutRows = 12
    @Option(help: "The seed of the first adapter and of the order of rows.") var seed = 1
    @Option var threads = 1
    @Option(help: "The record to write.") var output: String

    func run() throws {
        ComputeThreads.set(threads)
        let journal = Journal()
        let trialModel = try TrialModel(path: model)
        let nodes = try NodeText.read(
            folder: data, encoder: trialModel.encoder(length: length),
            heldOutRowCount: heldOutRows)
        journal.note("\(dataset)-\(arm): \(nodes.count) nodes")
        let adapter = LoRAAdapter(
            configuration: LoRAConfiguration(rank: rank, alpha: alpha ?? Double(2 * rank)),
            model: trialModel.configuration, seed: UInt64(seed))
        let bench = TrialBench(
            nodes: nodes, model: trialModel.model, adapter: adapter, settings: try settings,
            journal: journal)
        var outcome = TrialOutcome()
        switch kind {
        case .base: outcome.evaluations = bench.evaluateAll()
        case .local: outcome = try LocalTrial(bench).run()
        case .pooled: outcome = try PooledTrial(bench, isSequential: false).run()
        case .sequential: outcome = try PooledTrial(bench, isSequential: true).run()
        case .federation: outcome = try FederationTrial(bench).run()
        }
        let record = TrialRecord(
            dataset: dataset, arm: arm, dataVersion: dataVersion,
            dataDigest: try NodeText.digest(folder: data).hexadecimal, model: trialModel.name,
            computeType: "\(trialModel.model.options.computeType)", settings: try settings,
            parameterCount: adapter.parameterCount,
            nodes: bench.records(of: outcome),
            rounds: outcome.rounds, trainedTokenCount: outcome.trainedTokenCount,
            seconds: journal.seconds, processorSeconds: journal.processorSeconds)
        try RecordFile.write(record, to: output)
        journal.note("\(dataset)-\(arm): written")
    }

    private var settings: TextSettings {
        get throws {
            guard WireForm(named: wire) != nil else {
                throw ValidationError("--wire is \(wire); give int8, int4 or ring32.")
            }
            guard LearningRateSchedule.Decay(rawValue: decay) != nil else {
                throw ValidationError("--decay is \(decay); give cosine, linear or constant.")
            }
            return TextSettings(
                kind: kind.rawValue, aggregator: aggregator, wireForm: wire, roundCount: rounds,
                localStepCount: steps, batchSize: batch, sequenceLength: length, rank: rank,
                alpha: alpha ?? Double(2 * rank), learningRate: learningRate, decay: decay,
                outerLearningRate: outerRate, outerMomentum: outerMomentum,
                proximalStrength: proximal, usesControlVariates: controlVariates,
                keepsInputNorms: keepInputNorms, tiers: tier.map(\.description),
                heldOutRowCount: heldOutRows, seed: seed,
                threadCount: threads)
        }
    }
}

extension WireForm {
    init?(named name: String) {
        switch name {
        case "int8": self = .int8
        case "int4": self = .int4
        case "ring32": self = .ring32
        default: return nil
        }
    }
}
