internal import Adapters
internal import ArgumentParser
internal import Checkpoints
internal import Kernels

/// What kind of adapter is trained.
enum MethodOption: String, CaseIterable, ExpressibleByArgument {
    case lora, read

    /// The peak of the learning rate where none is given: what did best in trials of 30 steps.
    var learningRate: Double { self == .lora ? 1e-3 : 5e-3 }
}

/// What a READ adapter is like.
struct ReadOptions: ParsableArguments {
    @Option(
        help: "The values of the network's state, with --method read; 256 unless told otherwise.")
    var hidden: Int?

    @Option(help: "The network's kind of step, with --method read: rnn, gru or lstm.")
    var cell: CellOption?

    @Option(help: "What is made of the states of all layers, with --method read: mean or last.")
    var aggregate: AggregateOption?

    /// The first option that was given.
    var given: String? {
        if hidden != nil { return "--hidden" }
        if cell != nil { return "--cell" }
        return aggregate == nil ? nil : "--aggregate"
    }

    /// Refuses sizes that make no sense, and options of another method.
    func check(method: MethodOption) throws {
        if let hidden, !(1...16_384).contains(hidden) {
            throw ValidationError("--hidden is \(hidden); give 1 to 16384.")
        }
        if method != .read, let given {
            throw ValidationError("\(given) belongs to --method read; add that, or leave it out.")
        }
    }

    /// A fresh adapter.
    func make(for model: ModelConfiguration, seed: UInt64) -> READAdapter {
        READAdapter(configuration: configuration, model: model, seed: seed)
    }

    /// What the options come to.
    var configuration: READConfiguration {
        READConfiguration(
            stateSize: hidden ?? 256,
            cell: (cell ?? .gru).cell,
            aggregation: (aggregate ?? .last).aggregation
        )
    }
}

/// The kind of step, as the command line has it.
enum CellOption: String, CaseIterable, ExpressibleByArgument {
    case rnn, gru, lstm

    /// What the settings are told.
    var cell: RecurrentCell {
        switch self {
        case .rnn: .rnn
        case .gru: .gru
        case .lstm: .lstm
        }
    }
}

/// The aggregation, as the command line has it.
enum AggregateOption: String, CaseIterable, ExpressibleByArgument {
    case mean, last

    /// What the settings are told.
    var aggregation: READConfiguration.Aggregation {
        self == .mean ? .mean : .last
    }
}
