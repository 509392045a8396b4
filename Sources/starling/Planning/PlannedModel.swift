internal import Checkpoints
internal import Federation
internal import Foundation
internal import JSONDocuments
internal import Models
internal import NodeServices

/// A model whose size is known, whether its weights are here or not.
struct PlannedModel {
    /// What it was asked for by, or what the federation calls it.
    let name: String
    /// Its extents and sizes.
    let outline: ModelOutline

    /// Reads a GGUF file's header, a folder's or a file's `config.json`, or a record of the store.
    init(named name: String, home: NodeHome) throws(CommandFailure) {
        self.name = name
        if FilePresence.exists(name) {
            outline = try Self.outline(path: name)
            return
        }
        guard let stored = try StoredModelResolver(home: home).model(named: name) else {
            throw CommandFailure(
                .modelUnreadable,
                "\(name): there is no such model; give a GGUF file, a Hugging Face folder, a "
                    + "config.json, or the name of a model in the store"
            )
        }
        outline = try Self.outline(of: stored.source, path: name)
    }

    private static func outline(path: String) throws(CommandFailure) -> ModelOutline {
        if let config = try configuration(path: path) { return config }
        let checkpoint: any ModelCheckpoint
        do throws(CheckpointError) {
            checkpoint = try ModelFiles.open(path: path)
        } catch {
            throw CommandFailure(model: path, error)
        }
        return try outline(of: checkpoint, path: path)
    }

    /// The outline that a lone `config.json` gives; `nil` where there is more.
    private static func configuration(path: String) throws(CommandFailure) -> ModelOutline? {
        var file = path
        if !path.hasSuffix(".json") {
            file = path + "/config.json"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            guard FilePresence.exists(file),
                !names.contains(where: { $0.hasSuffix(".safetensors") })
            else { return nil }
        }
        // Settings take kilobytes.
        guard let handle = FileHandle(forReadingAtPath: file),
            let bytes = try? handle.read(upToCount: 1 << 20)
        else { throw CommandFailure(.modelUnreadable, "\(file): can't be read") }
        do throws(CheckpointError) {
            return ModelOutline(
                configuration: try ModelConfiguration(configJSON: Array(bytes), path: file),
                bitsPerWeight: bitsPerWeight(Array(bytes))
            )
        } catch {
            throw CommandFailure(model: file, error)
        }
    }

    /// What `torch_dtype` says; 16 where it says nothing, as most published weights have.
    private static func bitsPerWeight(_ bytes: [UInt8]) -> Double {
        let object = (try? JSONValue(parsing: bytes))?.object
        let type = object?["torch_dtype"]?.string ?? object?["dtype"]?.string
        return type == "float32" ? 32 : 16
    }

    private static func outline(
        of source: some TensorSource, path: String
    ) throws(CommandFailure) -> ModelOutline {
        do throws(ModelError) {
            return try ModelOutline(
                configuration: source.configuration, tensors: source.tensors)
        } catch {
            throw CommandFailure(model: path, error)
        }
    }
}
