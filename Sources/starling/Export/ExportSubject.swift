internal import Adapters
internal import Checkpoints
internal import Models
internal import NodeServices
internal import Tensors

/// What is exported: an adapter, the model that it is for, and who vouches for it.
struct ExportSubject {
    let base: ExportBase
    /// `nil` for an adapter of a folder.
    let consensus: ConsensusAdapter?
    private let adapter: LoRAAdapter
    private let baseModelName: String?
    private let adapterPath: String

    /// Reads the adapter in a PEFT folder.
    ///
    /// - Throws: why it can't be used, or the first tensor that doesn't fit the base.
    init(adapterPath: String, base: ExportBase) throws(CommandFailure) {
        let saved: PEFTAdapter
        do throws(CheckpointError) {
            saved = try PEFTFolder.read(path: adapterPath)
        } catch {
            throw CommandFailure(adapter: adapterPath, error)
        }
        try self.init(saved, path: adapterPath, base: base, consensus: nil)
    }

    /// Takes the consensus adapter.
    ///
    /// - Parameter base: where the federation's model is; `nil` for the node's store.
    /// - Throws: `refused` if it is another model.
    init(_ consensus: ConsensusAdapter, base: ExportBase?) throws(CommandFailure) {
        if let base {
            do throws(NodeError) {
                try consensus.check(base.source)
            } catch {
                throw CommandFailure(error)
            }
        }
        let name = consensus.adapter.baseModelName ?? "the federation's model"
        try self.init(
            consensus.adapter,
            path: "the consensus adapter",
            base: base
                ?? .stored(
                    name: name, consensus.base, bosID: consensus.bosID, eosID: consensus.eosID),
            consensus: consensus
        )
    }

    private init(
        _ saved: PEFTAdapter, path: String, base: ExportBase, consensus: ConsensusAdapter?
    ) throws(CommandFailure) {
        do throws(AdapterError) {
            adapter = try LoRAAdapter(peft: saved, model: base.source.configuration)
        } catch {
            throw CommandFailure(adapter: path, error)
        }
        self.base = base
        self.consensus = consensus
        baseModelName = saved.baseModelName
        adapterPath = path
    }

    /// The READ adapter beside the LoRA adapter; `nil` where there is none.
    var read: READFiles? { consensus?.read }

    /// Where the READ adapter goes beside a PEFT folder.
    static func readPath(beside path: String) -> String {
        (path.hasSuffix("/") ? String(path.dropLast()) : path) + "-read"
    }

    /// Writes it, and returns the element type where there was a choice.
    func write(
        _ kind: ExportKind, type: ExportType?, to path: String
    ) throws(CommandFailure) -> ExportType? {
        do {
            switch kind {
            case .peft:
                try PEFTFolder.write(
                    adapter.peft(baseModelName: baseModelName), to: path,
                    extraFiles: consensus?.filesBesideLoRA ?? [:])
                if let read {
                    try READFolder.write(
                        read, to: Self.readPath(beside: path),
                        extraFiles: consensus?.filesBesideREAD ?? [:])
                }
            case .gguf:
                try AdapterExport.writeGGUF(adapter, name: baseModelName ?? base.name, to: path)
            case .mergedSafetensors:
                let type = try checked(type ?? base.defaultType)
                var files = try base.folderFiles()
                files.add(consensus?.certificate ?? [:])
                try AdapterExport.writeFolder(
                    adapter, mergedInto: base.source,
                    encoding: type.elementType.map { .uniform($0) } ?? .original, files: files,
                    to: path)
                return type
            case .mergedGGUF:
                guard case .gguf(let basePath, let file) = base else {
                    throw CommandFailure(
                        .settingOutOfRange,
                        "--format merged-gguf copies the base's GGUF file, but \(base.name) is "
                            + "none; give --model FILE.gguf, or write merged-safetensors and "
                            + "convert that with llama.cpp"
                    )
                }
                try AdapterExport.writeGGUF(
                    adapter, mergedInto: file, basePath: basePath,
                    elementType: type?.elementType, to: path)
                return type ?? .base
            }
            return nil
        } catch {
            throw failure(error)
        }
    }

    private func checked(_ type: ExportType) throws(CommandFailure) -> ExportType {
        let quantized = type == .base ? base.quantizedType : type == .q8_0 ? .q8_0 : nil
        if let quantized {
            throw CommandFailure(
                .settingOutOfRange,
                "--type \(type.rawValue): the weights would be \(quantized.rawValue), a type that "
                    + "safetensors files don't have; give f32, f16 or bf16"
            )
        }
        return type
    }

    private func failure(_ error: any Error) -> CommandFailure {
        switch error {
        case let error as CommandFailure: error
        case let error as ModelError: CommandFailure(model: base.name, error)
        case let error as CheckpointError:
            switch error {
            case .notReplaceable, .system, .invalidFileName:
                CommandFailure(.outputUnwritable, error.description)
            default: CommandFailure(model: base.name, error)
            }
        default: CommandFailure(any: error)
        }
    }
}
