internal import Checkpoints
internal import Cryptography
internal import LibP2P
internal import Storage

/// Objects as the transfer protocol sees them. Updates and adapter states lie in the state store,
/// shards of the base model in the model store; a peer can't tell them apart.
extension NodeStore: ObjectStore {
    func manifest(_ id: Digest) throws(ObjectStoreError) -> [UInt8]? {
        try attempt(.readManifest, id) { () throws(NodeError) in
            try read { (transaction) throws(StorageError) in
                try transaction.objectManifest(id.bytes)
            }
        }
    }

    func presence(_ id: Digest) throws(ObjectStoreError) -> ChunkPresence? {
        try attempt(.readPresence, id) { () throws(NodeError) in
            let isShard = try containsShard(id)
            return try read { (transaction) throws(StorageError) in
                guard let bytes = try transaction.objectManifest(id.bytes),
                    let manifest = try? ObjectManifest(bytes: bytes, byteCountMax: .max)
                else { return nil }
                var presence = ChunkPresence(count: manifest.chunkCount, isComplete: isShard)
                guard !isShard else { return presence }
                let missing = Set(
                    try transaction.missingChunkIndices(
                        of: id.bytes, count: UInt32(manifest.chunkCount)
                    )
                )
                for index in 0..<manifest.chunkCount where !missing.contains(UInt32(index)) {
                    presence.insert(index)
                }
                return presence
            }
        }
    }

    func chunk(_ id: Digest, index: Int) throws(ObjectStoreError) -> [UInt8]? {
        try attempt(.readChunk, id) { () throws(NodeError) in
            guard index >= 0, index < TransferProtocol.chunkCountMax else { return nil }
            let stored = try read { (transaction) throws(StorageError) in
                try transaction.chunk(of: id.bytes, index: UInt32(index))
            }
            if let stored { return stored }
            return unsafe try readShard(id) { shard in
                let start = index * TransferProtocol.chunkByteCount
                guard start < shard.count else { return nil }
                let end = min(start + TransferProtocol.chunkByteCount, shard.count)
                return unsafe [UInt8](shard[start..<end])
            } ?? nil
        }
    }

    func putManifest(_ manifest: ObjectManifest) throws(ObjectStoreError) {
        try attempt(.putManifest, manifest.objectID) { () throws(NodeError) in
            try write { (transaction) throws(StorageError) in
                try transaction.putObjectManifest(manifest.bytes, id: manifest.objectID.bytes)
            }
        }
    }

    func putChunk(_ id: Digest, index: Int, bytes: [UInt8]) throws(ObjectStoreError) {
        try attempt(.putChunk, id) { () throws(NodeError) in
            try write { (transaction) throws(StorageError) in
                try transaction.putChunk(bytes, of: id.bytes, index: UInt32(index))
            }
        }
    }

    /// Whether all of an object is here, without reading it.
    func holdsObject(_ id: Digest) throws(NodeError) -> Bool {
        do {
            return try presence(id)?.isComplete ?? false
        } catch {
            throw NodeError(.storage, "The object \(id) can't be looked up.", cause: error.cause)
        }
    }

    // MARK: - Shards

    /// Whether a shard of a base model is here.
    func containsShard(_ id: Digest) throws(NodeError) -> Bool {
        do {
            return try models.contains(id.bytes)
        } catch {
            throw NodeError(storage: error)
        }
    }

    /// Stores a shard and the manifest under which peers can fetch it.
    func putShard(_ content: ShardContent, manifest: ObjectManifest) throws(NodeError) {
        do {
            unsafe try models.putShard(
                digest: manifest.objectID.bytes, byteCount: content.byteCount
            ) { room in
                var offset = 0
                unsafe content.forEachChunk { chunk in
                    unsafe UnsafeMutableRawBufferPointer(rebasing: room[offset...])
                        .copyMemory(from: chunk)
                    offset += chunk.count
                }
            }
        } catch {
            throw NodeError(storage: error)
        }
        try write { (transaction) throws(StorageError) in
            try transaction.putObjectManifest(manifest.bytes, id: manifest.objectID.bytes)
        }
    }

    /// Moves an object that was fetched whole to the model store.
    ///
    /// - Throws: ``NodeError`` with code `notFound` unless all of it is here.
    func adoptShard(_ id: Digest) throws(NodeError) {
        guard try !containsShard(id) else { return }
        let stored = try read { (transaction) throws(StorageError) in
            try transaction.objectManifest(id.bytes)
        }
        guard let stored, let manifest = try? ObjectManifest(bytes: stored, byteCountMax: .max),
            try holdsObject(id)
        else { throw NodeError(.notFound, "The object \(id) is not in the store.") }
        do {
            unsafe try models.putShard(digest: id.bytes, byteCount: manifest.totalByteCount) {
                (room) throws(StorageError) in
                unsafe try copyChunks(of: id, manifest, to: room)
            }
        } catch {
            throw NodeError(storage: error)
        }
        try write { (transaction) throws(StorageError) in
            try transaction.deleteObject(id.bytes)
            try transaction.putObjectManifest(manifest.bytes, id: id.bytes)
        }
    }

    /// Copies an object chunk by chunk, so that it is not in memory a second time.
    private func copyChunks(
        of id: Digest, _ manifest: ObjectManifest, to room: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        for index in 0..<manifest.chunkCount {
            let chunk = try readChunk(id, index)
            guard let chunk, let range = manifest.byteRange(ofChunk: index),
                range.count == chunk.count
            else { throw .malformedRecord(table: "chunks", key: id.bytes) }
            unsafe UnsafeMutableRawBufferPointer(rebasing: room[range]).copyBytes(from: chunk)
        }
    }

    /// Names a model whose record and shards are here.
    func putModel(name: String, record: Digest) throws(NodeError) {
        do {
            try models.putModel(name: name, manifest: record.bytes)
        } catch {
            throw NodeError(storage: error)
        }
    }

    /// The names of the models that are here.
    func modelNames() throws(NodeError) -> [String] {
        do {
            return try models.modelNames()
        } catch {
            throw NodeError(storage: error)
        }
    }

    /// A model whose shards are all here, to be read in place.
    func openModel(_ record: ModelRecord) throws(NodeError) -> StoredModel {
        for shard in record.shards where try !containsShard(shard.id) {
            throw NodeError(.notFound, "The store lacks the shard of \(shard.tensor.name).")
        }
        do {
            return StoredModel(record: record, snapshot: try models.snapshot())
        } catch {
            throw NodeError(storage: error)
        }
    }

    private func readShard<Result>(
        _ id: Digest, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(NodeError) -> Result? {
        do {
            return unsafe try models.withShard(id.bytes) { (bytes) throws(StorageError) in
                unsafe body(bytes)
            }
        } catch {
            throw NodeError(storage: error)
        }
    }

    private func attempt<Result>(
        _ operation: ObjectStoreError.Operation, _ id: Digest,
        _ body: () throws(NodeError) -> Result
    ) throws(ObjectStoreError) -> Result {
        do {
            return try body()
        } catch {
            throw ObjectStoreError(operation: operation, objectID: id, cause: error)
        }
    }
}
