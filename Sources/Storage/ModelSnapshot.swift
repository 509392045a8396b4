internal import Glibc

/// A view of the model store that lasts: what it lends stays where it is in the memory map until
/// the snapshot goes.
///
/// While one is open the store can't enlarge its map and uses no freed pages again, and it does
/// not see shards that come later.
public final class ModelSnapshot: @unchecked Sendable {
    // LMDB wants a transaction to be used by one thread at a time: looking a shard up is done
    // under the lock. The bytes themselves don't change and are read by any number of threads.
    private let transaction: ReadTransaction
    private let lock = Monitor()

    init(environment: Environment) throws(StorageError) {
        transaction = try ReadTransaction(environment: environment)
    }

    /// Whether a shard is here; the digest has 32 bytes.
    public func contains(_ digest: [UInt8]) throws(StorageError) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        return try transaction.raw.contains(digest, in: ModelTables.shards)
    }

    /// Lends the bytes of a shard in the map; nil if it is not here.
    ///
    /// They begin at a multiple of `ModelStore.shardAlignment`. The pointer is valid as long as the
    /// snapshot; whoever keeps it keeps the snapshot. The memory of a long shard is given back after
    /// the call, for weights are mostly read once; who reads it again finds it on disk or in the
    /// system's cache.
    public func withShard<Result, Failure: Error>(
        _ digest: [UInt8],
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws -> Result? {
        guard let bytes = unsafe try find(digest) else { return nil }
        defer { unsafe release(bytes) }
        return unsafe try body(bytes)
    }

    /// Gives back whole pages of the map; it is read-only and shared, so nothing is lost.
    private func release(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        let pageByteCount = 1 << 16
        let start = Int(bitPattern: base)
        let lower = (start + pageByteCount - 1) / pageByteCount * pageByteCount
        let upper = (start + bytes.count) / pageByteCount * pageByteCount
        guard upper > lower else { return }
        // Advice only: where it is refused, the pages stay.
        _ = unsafe madvise(
            UnsafeMutableRawPointer(mutating: base + (lower - start)), upper - lower,
            MADV_DONTNEED)
    }

    private func find(_ digest: [UInt8]) throws(StorageError) -> UnsafeRawBufferPointer? {
        lock.lock()
        defer { lock.unlock() }
        return unsafe try transaction.raw.shard(digest)
    }
}
