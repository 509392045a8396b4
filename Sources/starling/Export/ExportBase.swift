internal import Adapters
internal import Checkpoints
internal import NodeServices
internal import Tensors
internal import Tokenizers

/// The model that an exported adapter is for, with its weights left where they are.
enum ExportBase {
    case gguf(path: String, GGUFFile)
    case folder(path: String, SafetensorsFolder)
    /// In a node's store, where the original's files are no more.
    case stored(name: String, StoredModel, bosID: Int?, eosID: Int?)

    /// Opens a GGUF file, a Hugging Face folder, or a model of the home's store.
    init(named name: String, home: HomeOptions) throws(CommandFailure) {
        guard FilePresence.exists(name) else {
            self = try Self.stored(named: name, home: home)
            return
        }
        do throws(CheckpointError) {
            switch try ModelFiles.open(path: name) {
            case let file as GGUFFile: self = .gguf(path: name, file)
            case let folder as SafetensorsFolder: self = .folder(path: name, folder)
            default: throw CheckpointError.notACheckpoint(path: name)
            }
        } catch {
            throw CommandFailure(model: name, error)
        }
    }

    var source: any TensorSource {
        switch self {
        case .gguf(_, let file): file
        case .folder(_, let folder): folder
        case .stored(_, let model, _, _): model
        }
    }

    var name: String {
        switch self {
        case .gguf(_, let file): file.name
        case .folder(_, let folder): folder.name
        case .stored(let name, _, _, _): name
        }
    }

    /// What a merged folder holds beside weights.
    ///
    /// A GGUF file and a store have no tokenizer in the
    /// form of Hugging Face, so there is none from them.
    func folderFiles() throws(CheckpointError) -> ModelFolderFiles {
        switch self {
        case .folder(let path, _): return try ModelFolderFiles(folder: path)
        case .gguf(let path, let file):
            guard case .gguf(let vocabulary) = file.vocabulary else {
                throw .notACheckpoint(path: path)
            }
            return try ModelFolderFiles(
                configuration: file.configuration,
                bosID: vocabulary.bosID,
                eosID: vocabulary.eosID,
                path: path
            )
        case .stored(let name, let model, let bosID, let eosID):
            return try ModelFolderFiles(
                configuration: model.configuration,
                bosID: bosID,
                eosID: eosID,
                path: name
            )
        }
    }

    /// The types of a merged folder where the user names none: the base's own, but Float32 where
    /// that is quantised.
    var defaultType: ExportType { quantizedType == nil ? .base : .f32 }

    /// A type of the base that safetensors files don't have.
    var quantizedType: ElementType? {
        source.tensors.map(\.elementType).first { $0.blockElementCount > 1 }
    }

    private static func stored(
        named name: String,
        home: HomeOptions
    ) throws(CommandFailure) -> ExportBase {
        do throws(NodeError) {
            if let found = try StoredModels(home: home.folder).open(named: name) {
                return .stored(
                    name: name,
                    found.model,
                    bosID: found.tokenizer.bosID,
                    eosID: found.tokenizer.eosID
                )
            }
        } catch {
            throw CommandFailure(error)
        }
        throw CommandFailure(
            .modelUnreadable,
            "\(name): there is no such model; give a GGUF file, a Hugging Face folder, or the name "
                + "of a model in the store"
        )
    }
}
