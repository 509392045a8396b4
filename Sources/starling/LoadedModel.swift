internal import Adapters
internal import Checkpoints
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

    /// What it was asked for by.
    private let path: String

    /// Finds and reads a model: a file or folder of that path, else a model of the home's store.
    init(
        named name: String,
        home: HomeOptions,
        options: ModelOptions
    ) throws(CommandFailure) {
        path = name
        let found = try Self.find(name, resolvers: Self.resolvers(home))
        self.name = found.name
        do throws(TokenizerError) {
            tokenizer = try Tokenizer(found.tokenizer)
        } catch {
            throw CommandFailure(model: name, error)
        }
        do throws(ModelError) {
            model = try CausalLanguageModel(source: found.source, options: options)
        } catch {
            throw CommandFailure(model: name, error)
        }
    }

    /// Finds the weights again, which are not kept beside those in memory.
    func source(home: HomeOptions) throws(CommandFailure) -> any TensorSource {
        try Self.find(path, resolvers: Self.resolvers(home)).source
    }

    /// Reads an adapter that fits this model.
    func adapter(path: String) throws(CommandFailure) -> any TrainableAdapter {
        let saved: SavedAdapter
        do throws(CheckpointError) {
            saved = try SavedAdapter.read(path: path)
        } catch {
            throw CommandFailure(adapter: path, error)
        }
        do throws(AdapterError) {
            return try AdapterRegistry.standard.makeAdapter(saved, model: model.configuration)
        } catch {
            throw CommandFailure(adapter: path, error)
        }
    }

    private static func resolvers(_ home: HomeOptions) -> [any ModelResolver] {
        [FileModelResolver(), StoredModelResolver(home: home.folder)]
    }

    private static func find(
        _ name: String,
        resolvers: [any ModelResolver]
    ) throws(CommandFailure) -> ResolvedModel {
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
