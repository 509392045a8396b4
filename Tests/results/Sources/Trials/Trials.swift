internal import ArgumentParser

/// Trains on text as federations do, in one process and without a network, and writes down what
/// came of it.
@main
struct Trials: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trials",
        abstract: "Train on text as a federation does, node after node, and write down the result.",
        subcommands: [TextTrial.self, RecipeTrial.self]
    )
}
