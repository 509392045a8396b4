internal import Cryptography
internal import Foundation
internal import LibP2P
internal import Storage
public import Tokenizers

/// The base models in a home's store, for commands that run beside a node or without one.
public struct StoredModels: Sendable {
    private let home: NodeHome

    /// Names a home.
    public init(home: NodeHome) {
        self.home = home
    }

    /// Opens a model by its name or by its digest in hexadecimal; nil if none is called so.
    ///
    /// - Throws: ``NodeError`` when the store can't be read or lacks a part of the model.
    public func open(
        named name: String
    ) throws(NodeError) -> (model: StoredModel, tokenizer: TokenizerDefinition)? {
        guard FileManager.default.fileExists(atPath: home.models.path) else { return nil }
        do {
            let models = try ModelStore(folder: home.models.path, access: .readOnly)
            let state = try StateStore(folder: home.state.path, access: .readOnly)
            let named = try models.model(name).flatMap(Digest.init(bytes:))
            guard let id = named ?? Digest(hexadecimal: name) else { return nil }
            let record = try ModelRecord(canonicalBytes: object(id, in: state))
            let definition = try JSONDecoder().decode(
                TokenizerDefinition.self, from: Data(object(record.tokenizerID, in: state))
            )
            return (StoredModel(record: record, snapshot: try models.snapshot()), definition)
        } catch let error as NodeError {
            throw error
        } catch let error as StorageError {
            throw NodeError(storage: error)
        } catch {
            throw NodeError(.storage, "The stored model '\(name)' can't be opened.", cause: error)
        }
    }

    private func object(_ id: Digest, in state: StateStore) throws -> [UInt8] {
        let bytes = try state.read { (transaction) throws(StorageError) -> [UInt8]? in
            guard let stored = try transaction.objectManifest(id.bytes),
                let manifest = try? ObjectManifest(bytes: stored, byteCountMax: .max)
            else { return nil }
            return try transaction.object(id.bytes, chunkCount: UInt32(manifest.chunkCount))
        }
        guard let bytes else {
            throw NodeError(.notFound, "The object \(id) is not in the store.")
        }
        return bytes
    }
}
