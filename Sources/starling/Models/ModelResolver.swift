internal import Checkpoints
internal import NodeServices
internal import Tokenizers

/// A model that was found.
struct ResolvedModel {
    /// What it calls itself.
    let name: String
    /// Its weights.
    let source: any TensorSource
    /// Its tokenizer.
    let tokenizer: TokenizerDefinition
}

/// Finds the model that a user names.
///
/// The command line tries resolvers in their order; the first that knows the name answers.
protocol ModelResolver {
    /// The model of that name; `nil` if the name is not of this resolver's kind.
    ///
    /// - Throws: why a model that is of this kind can't be opened.
    func model(named name: String) throws(CommandFailure) -> ResolvedModel?
}

/// Opens GGUF files and Hugging Face folders by their path.
struct FileModelResolver: ModelResolver {
    func model(named name: String) throws(CommandFailure) -> ResolvedModel? {
        guard FilePresence.exists(name) else { return nil }
        let checkpoint: any ModelCheckpoint
        do throws(CheckpointError) {
            checkpoint = try ModelFiles.open(path: name)
        } catch {
            throw CommandFailure(model: name, error)
        }
        do throws(TokenizerError) {
            return ResolvedModel(
                name: checkpoint.name,
                source: checkpoint,
                tokenizer: try TokenizerDefinition(vocabulary: checkpoint.vocabulary)
            )
        } catch {
            throw CommandFailure(model: name, error)
        }
    }
}

/// Opens the models of a node's store by their names or digests.
struct StoredModelResolver: ModelResolver {
    let home: NodeHome

    func model(named name: String) throws(CommandFailure) -> ResolvedModel? {
        do throws(NodeError) {
            return try StoredModels(home: home).open(named: name).map {
                ResolvedModel(name: name, source: $0.model, tokenizer: $0.tokenizer)
            }
        } catch {
            throw CommandFailure(error)
        }
    }
}
