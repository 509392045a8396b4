internal import Checkpoints

/// Finds the model that a user names.
///
/// The command line tries resolvers in their order; the first that knows the name answers.
protocol ModelResolver {
    /// The checkpoint of that name; `nil` if the name is not of this resolver's kind.
    ///
    /// - Throws: why a model that is of this kind can't be opened.
    func checkpoint(named name: String) throws(CommandFailure) -> (any ModelCheckpoint)?
}

/// Opens GGUF files and Hugging Face folders by their path.
struct FileModelResolver: ModelResolver {
    func checkpoint(named name: String) throws(CommandFailure) -> (any ModelCheckpoint)? {
        guard FilePresence.exists(name) else { return nil }
        do throws(CheckpointError) {
            return try ModelFiles.open(path: name)
        } catch {
            throw CommandFailure(model: name, error)
        }
    }
}
