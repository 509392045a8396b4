public import Checkpoints
internal import Cryptography
internal import Storage
internal import Tensors

/// A base model in the node's store, read in place from the memory map.
public struct StoredModel: TensorSource {
    /// What the model consists of.
    public let record: ModelRecord
    private let snapshot: ModelSnapshot

    init(record: ModelRecord, snapshot: ModelSnapshot) {
        self.record = record
        self.snapshot = snapshot
    }

    /// The architecture and its extents.
    public var configuration: ModelConfiguration { record.configuration }

    /// The tensors in ascending order of the names' UTF-8 bytes.
    public var tensors: [TensorDescription] { record.shards.map(\.tensor) }

    /// Lends the bytes of a tensor in the memory map.
    ///
    /// - Throws: ``NodeError`` with code `notFound` when the model has no such tensor or the
    ///   store lacks its shard, and what `body` throws.
    public func withBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard let shard = record.shards.first(where: { $0.tensor.name == name }) else {
            throw NodeError(.notFound, "The model has no tensor \(name).")
        }
        guard
            let result = unsafe try snapshot.withShard(
                shard.id.bytes, { (bytes) throws in unsafe try body(bytes) }
            )
        else {
            throw NodeError(.notFound, "The store lacks the shard of \(name).")
        }
        return result
    }
}
