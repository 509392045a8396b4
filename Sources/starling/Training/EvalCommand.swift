internal import Adapters
internal import ArgumentParser
internal import Checkpoints
internal import Models
internal import Training

/// Tells how well a model predicts a text.
struct EvalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Evaluate a model, with or without an adapter, on a text.",
        discussion: """
            A text is cut into windows of --length tokens that don't overlap; every token of a \
            window but the first is predicted. Of examples with an answer only the answer is \
            predicted, unless --loss-on everything.
            """
    )

    @Option(help: "A GGUF file, a Hugging Face folder, or a name in the store.")
    var model: String

    @Option(help: "A PEFT folder, or a folder of READ.")
    var adapter: String?

    @Option(parsing: .upToNextOption, help: "Files (.txt, .jsonl) or folders of them.")
    var data: [String]

    @Option(help: "Tokens of a window.")
    var length = 512

    @Option(
        name: [.customLong("batch-size"), .customLong("batch")],
        help: "Rows that pass the model at once; more take more memory."
    )
    var batchSize = 1

    @OptionGroup(title: "Loss") var loss: LossOptions
    @OptionGroup var compute: ComputeOptions
    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (2...1_048_576).contains(length) else {
            throw ValidationError("--length is \(length); give 2 or more.")
        }
        guard (1...65_536).contains(batchSize) else {
            throw ValidationError("--batch-size is \(batchSize); give 1 or more.")
        }
        try loss.check()
        try compute.check()
    }

    func run() throws {
        try withConsole(output, evaluate)
    }

    private func evaluate(_ console: Console) throws {
        compute.apply()
        let dataset = try TextDataset(paths: data)
        let loaded = try LoadedModel(
            named: model, home: home, options: compute.modelOptions)
        let adapter = try adapter.map(loaded.adapter(path:))
        let rows = try dataset.rows(
            encoder: loss.encoder(for: loaded, tokenCountMax: loaded.checkedLength(length))
        )
        let start = ContinuousClock().now
        let evaluation = Evaluator.evaluate(
            AdaptedModel(model: loaded.model, adapter: adapter),
            on: rows,
            rowsPerPass: batchSize
        ) { done in
            console.progress("window", done: done, of: rows.count, since: start)
            return true
        }
        var record = JSONRecord()
        record.add("loss", evaluation.loss)
        record.add("perplexity", evaluation.perplexity)
        record.add("bits_per_byte", evaluation.bitsPerByte)
        record.add("tokens", evaluation.tokenCount)
        record.add("bytes", evaluation.byteCount)
        record.add("windows", rows.count)
        console.report(record, text: Self.text(of: evaluation))
    }

    private static func text(of evaluation: Evaluation) -> String {
        """
        loss           \(evaluation.loss.text(places: 4)) nats per token
        perplexity     \(evaluation.perplexity.text(places: 2))
        bits per byte  \(evaluation.bitsPerByte.text(places: 4))
        tokens         \(evaluation.tokenCount)
        """
    }
}
