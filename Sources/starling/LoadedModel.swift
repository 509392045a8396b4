internal import Adapters
internal import Checkpoints
internal import JSONDocuments
internal import Models
internal import Tokenizers

/// A model in memory with its tokenizer.
struct LoadedModel {
    /// What the checkpoint calls itself.
    let name: String
    /// The frozen weights.
    let model: CausalLanguageModel
    /// The vocabulary.
    let tokenizer: Tokenizer

    /// Where models are looked for, in this order.
    static var resolvers: [any ModelResolver] { [FileModelResolver()] }

    /// Finds and reads a model.
    init(
        named name: String,
        resolvers: [any ModelResolver] = Self.resolvers
    ) throws(CommandFailure) {
        let checkpoint = try Self.checkpoint(named: name, resolvers: resolvers)
        self.name = checkpoint.name
        do throws(TokenizerError) {
            tokenizer = try Tokenizer(try Self.definition(of: checkpoint.vocabulary))
        } catch {
            throw CommandFailure(model: name, error)
        }
        do throws(ModelError) {
            model = try CausalLanguageModel(source: checkpoint)
        } catch {
            throw CommandFailure(model: name, error)
        }
    }

    /// Reads an adapter that fits this model.
    func adapter(path: String) throws(CommandFailure) -> LoRAAdapter {
        let saved: PEFTAdapter
        do throws(CheckpointError) {
            saved = try PEFTFolder.read(path: path)
        } catch {
            throw CommandFailure(adapter: path, error)
        }
        do throws(AdapterError) {
            return try LoRAAdapter(peft: saved, model: model.configuration)
        } catch {
            throw CommandFailure(adapter: path, error)
        }
    }

    private static func checkpoint(
        named name: String,
        resolvers: [any ModelResolver]
    ) throws(CommandFailure) -> any ModelCheckpoint {
        for resolver in resolvers {
            if let checkpoint = try resolver.checkpoint(named: name) { return checkpoint }
        }
        throw CommandFailure(
            .modelUnreadable,
            "\(name): there is no such model; give a GGUF file, a Hugging Face folder, or the name "
                + "of a model in the store"
        )
    }

    private static func definition(
        of vocabulary: VocabularyFile
    ) throws(TokenizerError) -> TokenizerDefinition {
        switch vocabulary {
        case .huggingFace(let tokenizerJSON, let tokenizerConfigJSON):
            try TokenizerDefinition(
                tokenizerJSON: tokenizerJSON,
                tokenizerConfigJSON: tokenizerConfigJSON
            )
        case .gguf(let file):
            try TokenizerDefinition(
                ggufTokens: file.tokens,
                tokenTypes: file.tokenTypes,
                merges: file.merges,
                model: file.model,
                preTokenizer: file.preTokenizer,
                bosID: file.bosID,
                eosID: file.eosID,
                addsBOS: file.addsBOS,
                chatTemplate: file.chatTemplate
            )
        }
    }
}
