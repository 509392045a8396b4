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

    /// Finds and reads a model: a file or folder of that path, else a model of the home's store.
    init(
        named name: String,
        home: HomeOptions,
        options: ModelOptions
    ) throws(CommandFailure) {
        self = try LoadedModel(LocatedModel(named: name, home: home), options: options)
    }

    /// Reads a model's weights; its files are not kept open.
    init(_ located: LocatedModel, options: ModelOptions) throws(CommandFailure) {
        name = located.name
        tokenizer = located.tokenizer
        model = try located.load(options)
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
}
