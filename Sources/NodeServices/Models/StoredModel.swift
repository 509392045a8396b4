public import Checkpoints
internal import Cryptography
internal import Storage
public import Tensors

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
        guard
            let result = unsafe try snapshot.withShard(
                digest(of: name), { (bytes) throws in unsafe try body(bytes) }
            )
        else {
            throw NodeError(.notFound, "The store lacks the shard of \(name).")
        }
        return result
    }

    /// The rows of a tensor in the memory map, which stays as long as they are used.
    ///
    /// - Throws: ``NodeError`` as ``withBytes(of:_:)`` does.
    public func mappedRows(of name: String) throws -> MappedRows? {
        guard let rows = try snapshot.rows(digest(of: name)) else {
            throw NodeError(.notFound, "The store lacks the shard of \(name).")
        }
        return rows
    }

    private func digest(of name: String) throws(NodeError) -> [UInt8] {
        guard let shard = record.shards.first(where: { $0.tensor.name == name }) else {
            throw NodeError(.notFound, "The model has no tensor \(name).")
        }
        return shard.id.bytes
    }
}
