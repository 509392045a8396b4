internal import Checkpoints
internal import Cryptography
internal import Federation
internal import Foundation
internal import LibP2P
internal import Tensors
internal import Tokenizers

/// The base models of a node: brings checkpoints into the store, or fetches them from peers, and
/// opens them.
struct ModelLibrary: Sendable {
    /// How far an import or a fetch is.
    typealias ProgressHandler = @Sendable (_ doneByteCount: Int, _ totalByteCount: Int) -> Void

    private let store: NodeStore

    init(store: NodeStore) {
        self.store = store
    }

    /// Copies a checkpoint into the store, one tensor a shard, and returns its record's address.
    ///
    /// What is there already is not written again.
    /// - Throws: ``NodeError`` with code `invalidInput` when the files are no usable model.
    func importModel(
        path: String, progress: ProgressHandler = { _, _ in }
    ) async throws(NodeError) -> Digest {
        let checkpoint = try Self.openCheckpoint(path)
        let definition = try Self.tokenizerDefinition(of: checkpoint, path: path)
        let total = checkpoint.tensors.reduce(0) { $0 + $1.byteCount }
        var done = 0
        var shards: [ModelRecord.Shard] = []
        for tensor in checkpoint.tensors {
            let content: ShardContent
            let manifest: ObjectManifest
            do {
                content = try ShardContent(tensor.name, of: checkpoint)
                manifest = try content.manifest()
            } catch {
                throw NodeError(
                    .invalidInput, "\(path): the tensor \(tensor.name) can't be read.",
                    cause: error
                )
            }
            try await store.putShard(content, manifest: manifest)
            shards.append(ModelRecord.Shard(tensor: tensor, id: manifest.objectID))
            done += tensor.byteCount
            progress(done, total)
        }
        let tokenizerID = try await store.storeObject(definition)
        let record = ModelRecord(
            configuration: checkpoint.configuration, tokenizerID: tokenizerID, shards: shards
        )
        let id = try await store.storeObject(record.canonicalBytes)
        try await store.putModel(
            name: URL(fileURLWithPath: path).lastPathComponent, record: id
        )
        return id
    }

    /// The record of a model in the store; nil if it is not here.
    func record(_ id: Digest) async throws(NodeError) -> ModelRecord? {
        guard let bytes = try await store.object(id) else { return nil }
        do {
            return try ModelRecord(canonicalBytes: bytes)
        } catch .wrongDomain {
            throw NodeError(
                .refused,
                "The base model \(id) is recorded in a way that this version of starling doesn't know; "
                    + "install the version of the other members."
            )
        } catch {
            throw NodeError(
                .storage, "The stored record of model \(id) doesn't hold.", cause: error)
        }
    }

    /// Opens a model of the store.
    ///
    /// - Throws: ``NodeError`` with code `notFound` when it or a shard of it is not here.
    func open(_ id: Digest) async throws(NodeError) -> StoredModel {
        guard let record = try await record(id) else {
            throw NodeError(.notFound, "The base model \(id) is not in the store.")
        }
        return try await store.openModel(record)
    }

    /// The tokenizer of a model of the store.
    func tokenizer(of record: ModelRecord) async throws(NodeError) -> Tokenizer {
        let bytes = try await store.requiredObject(record.tokenizerID)
        do {
            let definition = try JSONDecoder().decode(
                TokenizerDefinition.self, from: Data(bytes)
            )
            return try Tokenizer(definition)
        } catch {
            throw NodeError(.storage, "The stored tokenizer doesn't hold.", cause: error)
        }
    }

    /// Fetches what is missing of a model from peers: its record, its tokenizer, its shards.
    ///
    /// Each is checked by its content address before it is used; a fetch that was cut goes on
    /// where it stopped.
    /// - Throws: ``NodeError`` with code `network` when no peer gives it.
    func fetch(
        _ id: Digest, named name: String, with fetcher: ObjectFetcher, from peers: [PeerID],
        progress: ProgressHandler = { _, _ in }
    ) async throws(NodeError) {
        let record = try await fetchRecord(id, with: fetcher, from: peers)
        try await fetchObject(record.tokenizerID, "tokenizer", 256 << 20, fetcher, peers)
        let total = record.shards.reduce(0) { $0 + $1.tensor.byteCount }
        var done = 0
        for shard in record.shards {
            if try await !store.containsShard(shard.id) {
                try await fetchObject(
                    shard.id, shard.tensor.name, shard.tensor.byteCount, fetcher, peers
                )
                try await store.adoptShard(shard.id)
            }
            done += shard.tensor.byteCount
            progress(done, total)
        }
        try await store.putModel(name: name, record: id)
    }

    /// Fetches the record alone.
    ///
    /// - Throws: ``NodeError`` with code `network` when no peer gives it.
    func fetchRecord(
        _ id: Digest, with fetcher: ObjectFetcher, from peers: [PeerID]
    ) async throws(NodeError) -> ModelRecord {
        try await fetchObject(id, "record", ModelRecord.byteCountMax, fetcher, peers)
        guard let record = try await record(id) else {
            throw NodeError(.storage, "The model's record \(id) was fetched and is not here.")
        }
        return record
    }

    private func fetchObject(
        _ id: Digest, _ what: String, _ byteCountMax: Int, _ fetcher: ObjectFetcher,
        _ peers: [PeerID]
    ) async throws(NodeError) {
        if try await store.holdsObject(id) { return }
        do {
            try await fetcher.fetch(id, byteCountMax: byteCountMax, from: peers)
        } catch {
            throw NodeError(
                .network, "The base model's \(what) can't be fetched from the peers.",
                cause: error
            )
        }
    }

    private static func openCheckpoint(
        _ path: String
    ) throws(NodeError) -> any ModelCheckpoint {
        do {
            return try ModelFiles.open(path: path)
        } catch {
            throw NodeError(.invalidInput, "\(error)")
        }
    }

    /// The tokenizer definition's bytes: JSON with sorted keys, so that equal definitions have
    /// equal addresses.
    private static func tokenizerDefinition(
        of checkpoint: any ModelCheckpoint, path: String
    ) throws(NodeError) -> [UInt8] {
        do {
            let definition = try TokenizerDefinition(vocabulary: checkpoint.vocabulary)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return [UInt8](try encoder.encode(definition))
        } catch {
            throw NodeError(.invalidInput, "\(path): the tokenizer can't be used: \(error)")
        }
    }
}
