internal import ArgumentParser

/// How results are printed.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// For people.
    case text
    /// One JSON object a line, for programs.
    case json
}

/// What every command takes.
struct OutputOptions: ParsableArguments {
    @Option(help: "Print results as text or as one JSON object a line.")
    var format: OutputFormat = .text
}
