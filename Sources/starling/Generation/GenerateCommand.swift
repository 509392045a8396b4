internal import Adapters
internal import ArgumentParser
internal import Checkpoints
internal import JSONDocuments
internal import Models
internal import Tokenizers
internal import Training

/// Continues a prompt.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Continue a prompt, with or without an adapter.",
        discussion: """
            At temperature 0 the likeliest token is taken each time. The text ends after \
            --max-tokens, or where the model ends it.
            """
    )

    @Option(help: "A GGUF file, a Hugging Face folder, or a name in the store.")
    var model: String

    @Option(help: "A PEFT folder, or a folder of READ.")
    var adapter: String?

    @Option(help: "What to continue.")
    var prompt: String

    @Flag(help: "Take the prompt as a user's turn and answer it by the model's chat template.")
    var chat = false

    @Option(help: "The most tokens to make.")
    var maxTokens = 64

    @Option(help: "Also print the K likeliest tokens after the prompt, with their logits.")
    var topLogits: Int?

    @Option(help: "0 takes the likeliest token; above, tokens are drawn.")
    var temperature = 0.0

    @Option(help: "Decides what is drawn.")
    var seed: UInt64 = 0

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (0...1_048_576).contains(maxTokens) else {
            throw ValidationError("--max-tokens is \(maxTokens); give 0 or more.")
        }
        guard temperature >= 0, temperature.isFinite else {
            throw ValidationError("--temperature is \(temperature); give 0 or more.")
        }
        if let topLogits, topLogits < 1 {
            throw ValidationError("--top-logits is \(topLogits); give 1 or more.")
        }
        try compute.check()
    }

    func run() throws {
        try withConsole(output, generate)
    }

    private func generate(_ console: Console) throws {
        compute.apply()
        let loaded = try LoadedModel(
            named: model, home: home, options: compute.modelOptions)
        let adapter = try adapter.map(loaded.adapter(path:))
        let promptIDs = try promptTokens(loaded)
        var generator = TokenGenerator(
            model: AdaptedModel(model: loaded.model, adapter: adapter),
            stop: Set([loaded.tokenizer.eosID].compactMap { $0 }),
            sampler: TokenSampler(temperature: temperature, seed: seed)
        )
        let result = generator.generate(prompt: promptIDs, countMax: maxTokens)
        let text = loaded.tokenizer.decode(result.tokens, skipsSpecialTokens: true)
        var record = JSONRecord()
        record.add("prompt_token_ids", promptIDs)
        record.add("token_ids", result.tokens)
        record.add("text", text)
        var lines = [text]
        if let topLogits {
            let best = TokenSampler.largest(topLogits, of: result.firstLogits)
            record.add(
                "next_logits",
                .array(
                    best.map { .array([.integer($0.token), .number(Double($0.logit))]) }
                )
            )
            lines += best.map { candidate in
                let logit = Double(candidate.logit).text(places: 4)
                return "\(candidate.token)\t\(logit)\t\(loaded.tokenizer.decode([candidate.token]))"
            }
        }
        console.report(record, text: lines.joined(separator: "\n"))
    }

    private func promptTokens(_ loaded: LoadedModel) throws(CommandFailure) -> [Int] {
        var text = prompt
        if chat {
            do throws(TokenizerError) {
                text = try loaded.tokenizer.requiredChatTemplate().render(
                    [ChatTemplate.Message(role: "user", content: prompt)],
                    addsGenerationPrompt: true
                )
            } catch {
                throw CommandFailure(model: model, error)
            }
        }
        var tokens = loaded.tokenizer.encode(text)
        if loaded.tokenizer.definition.addsBOS, let first = loaded.tokenizer.bosID,
            tokens.first != first
        {
            tokens.insert(first, at: 0)
        }
        let configuration = loaded.model.configuration
        guard !tokens.isEmpty else {
            throw CommandFailure(.settingOutOfRange, "--prompt is empty; give at least one letter")
        }
        guard tokens.allSatisfy({ $0 < configuration.vocabularySize }) else {
            throw CommandFailure(
                .modelUnsupported,
                "\(model): the tokenizer knows tokens that the model does not; get both from one "
                    + "source"
            )
        }
        guard tokens.count <= configuration.positionCountMax else {
            throw CommandFailure(
                .settingOutOfRange,
                "--prompt has \(tokens.count) tokens, but the model knows "
                    + "\(configuration.positionCountMax) positions"
            )
        }
        return tokens
    }
}
