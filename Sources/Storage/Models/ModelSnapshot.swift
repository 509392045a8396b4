public import Tensors

/// A view of the model store that lasts: what it lends stays where it is in the memory map until
/// the snapshot goes.
///
/// While one is open the store can't enlarge its map and uses no freed pages again, and it does
/// not see shards that come later.
public final class ModelSnapshot: MemoryMap, @unchecked Sendable {
    // LMDB wants a transaction to be used by one thread at a time: looking a shard up is done
    // under the lock. The bytes themselves don't change and are read by any number of threads.
    private let transaction: ReadTransaction
    private let lock = Monitor()
    // It does not move while the transaction is open.
    private let environment: Environment

    init(environment: Environment) throws(StorageError) {
        self.environment = environment
        transaction = try ReadTransaction(environment: environment)
    }

    /// Whether a shard is here; the digest has 32 bytes.
    public func contains(_ digest: [UInt8]) throws(StorageError) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        return try transaction.raw.contains(digest, in: ModelTables.shards)
    }

    /// The map from the first to the last byte that was lent.
    public var span: UnsafeRawBufferPointer { unsafe environment.span }

    /// Lends the bytes of a shard in the map; nil if it is not here.
    ///
    /// They begin at a multiple of `ModelStore.shardAlignment`. The pointer is valid as long as the
    /// snapshot; whoever keeps it keeps the snapshot. Their memory is given back after the call, for
    /// weights are mostly read once; who reads them again finds them on disk or in the system's
    /// cache.
    public func withShard<Result, Failure: Error>(
        _ digest: [UInt8],
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws -> Result? {
        guard let bytes = unsafe try find(digest) else { return nil }
        defer { unsafe giveBack(bytes) }
        return unsafe try body(bytes)
    }

    /// The bytes of a shard as rows that keep this snapshot; nil if it is not here.
    public func rows(_ digest: [UInt8]) throws(StorageError) -> MappedRows? {
        guard let bytes = unsafe try find(digest) else { return nil }
        return unsafe MappedRows(bytes, of: self)
    }

    private func find(_ digest: [UInt8]) throws(StorageError) -> UnsafeRawBufferPointer? {
        lock.lock()
        defer { lock.unlock() }
        return unsafe try transaction.raw.shard(digest)
    }
}
