internal import Checkpoints
internal import Models
internal import Tokenizers

/// A model that was found, with its tokenizer and without its weights.
struct LocatedModel {
    /// What the checkpoint calls itself.
    let name: String
    /// The vocabulary.
    let tokenizer: Tokenizer
    /// Its files or shards.
    let source: any TensorSource

    /// What it was asked for by.
    private let path: String

    /// Finds a model: a file or folder of that path, else a model of the home's store.
    init(named name: String, home: HomeOptions) throws(CommandFailure) {
        path = name
        let found = try Self.find(name, home)
        self.name = found.name
        source = found.source
        do throws(TokenizerError) {
            tokenizer = try Tokenizer(found.tokenizer)
        } catch {
            throw CommandFailure(model: name, error)
        }
    }

    /// The extents.
    var configuration: ModelConfiguration { source.configuration }

    /// What its size and speed follow from.
    var outline: ModelOutline {
        get throws(CommandFailure) {
            do throws(ModelError) {
                return try ModelOutline(
                    configuration: source.configuration, tensors: source.tensors)
            } catch {
                throw CommandFailure(model: path, error)
            }
        }
    }

    /// Reads the weights.
    func load(_ options: ModelOptions) throws(CommandFailure) -> CausalLanguageModel {
        do throws(ModelError) {
            return try CausalLanguageModel(source: source, options: options)
        } catch {
            throw CommandFailure(model: path, error)
        }
    }

    /// Finds the weights alone.
    static func source(
        named name: String,
        home: HomeOptions
    ) throws(CommandFailure) -> any TensorSource {
        try find(name, home).source
    }

    private static func find(
        _ name: String,
        _ home: HomeOptions
    ) throws(CommandFailure) -> ResolvedModel {
        let resolvers: [any ModelResolver] = [
            FileModelResolver(), StoredModelResolver(home: home.folder),
        ]
        for resolver in resolvers {
            if let model = try resolver.model(named: name) { return model }
        }
        throw CommandFailure(
            .modelUnreadable,
            "\(name): there is no such model; give a GGUF file, a Hugging Face folder, or the name "
                + "of a model in the store"
        )
    }
}
