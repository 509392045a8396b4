internal import Tensors

/// Base models as content-addressed shards, in an LMDB environment of their own that is written
/// rarely and read in place.
///
/// It is apart from the state because a long view of a model (``ModelSnapshot``) keeps LMDB from
/// using freed pages again: here hardly any are freed.
public final class ModelStore: Sendable {
    /// What the first byte of a shard's memory is a multiple of.
    public static let shardAlignment = StoredShard.alignment

    package let environment: Environment

    /// 64 GiB of address space, so that the map need not grow while a model is read in place.
    package static let mapLimits = MapLimits(initialByteCount: 1 << 36, byteCountMax: 1 << 42)

    /// Opens the store in a folder; with access to write, makes it if it is not there.
    ///
    /// - Throws: as ``StateStore`` does.
    @available(*, noasync)
    public convenience init(
        folder: String, access: StorageAccess = .readWrite
    ) throws(StorageError) {
        try self.init(folder: folder, access: access, limits: Self.mapLimits, faults: nil)
    }

    @available(*, noasync)
    package init(
        folder: String,
        access: StorageAccess = .readWrite,
        limits: MapLimits,
        faults: WriteFaults?
    ) throws(StorageError) {
        environment = try Environment(
            folder: folder, tables: ModelTables.all, limits: limits, access: access, faults: faults
        )
        try StoreFormat.check(
            environment, table: ModelTables.format, version: ModelTables.formatVersion
        )
    }

    /// Whether a shard is here; the digest has 32 bytes.
    @available(*, noasync)
    public func contains(_ digest: [UInt8]) throws(StorageError) -> Bool {
        try environment.read { (transaction) throws(StorageError) in
            try transaction.raw.contains(digest, in: ModelTables.shards)
        }
    }

    /// Stores a shard, durably; one that is here is left as it is.
    @available(*, noasync)
    public func putShard(digest: [UInt8], bytes: UnsafeRawBufferPointer) throws(StorageError) {
        unsafe try putShard(digest: digest, byteCount: bytes.count) { room in
            unsafe room.copyMemory(from: bytes)
        }
    }

    /// Stores a shard that `fill` writes piece by piece, durably; one that is here is left as it is.
    ///
    /// It is in memory once until it is on the disk. `fill` runs again where the map had to grow;
    /// what it throws leaves the store as it was.
    @available(*, noasync)
    public func putShard(
        digest: [UInt8],
        byteCount: Int,
        fill: (UnsafeMutableRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        try environment.write { (transaction) throws(StorageError) in
            unsafe try transaction.putShard(digest: digest, byteCount: byteCount, fill: fill)
        }
    }

    /// Removes a shard if it is here.
    @available(*, noasync)
    public func deleteShard(_ digest: [UInt8]) throws(StorageError) {
        try environment.write { (transaction) throws(StorageError) in
            _ = try transaction.delete(digest, in: ModelTables.shards)
        }
    }

    /// Lends the bytes of a shard in the map; nil if it is not here.
    ///
    /// They begin at a multiple of ``shardAlignment`` and are valid inside `body` only. Their memory
    /// is given back afterwards.
    @available(*, noasync)
    public func withShard<Result>(
        _ digest: [UInt8],
        _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Result
    ) throws(StorageError) -> Result? {
        try environment.read { (transaction) throws(StorageError) in
            guard let bytes = unsafe try transaction.raw.shard(digest) else { return nil }
            defer { unsafe environment.giveBack(bytes) }
            return unsafe try body(bytes)
        }
    }

    /// A long view of the store in which shards stay where they are.
    @available(*, noasync)
    public func snapshot() throws(StorageError) -> ModelSnapshot {
        try ModelSnapshot(environment: environment)
    }

    /// Sets the manifest of a model, which lists its shards; the name has 1 to 511 bytes of UTF-8.
    @available(*, noasync)
    public func putModel(name: String, manifest: [UInt8]) throws(StorageError) {
        try environment.write { (transaction) throws(StorageError) in
            try transaction.put(manifest, in: ModelTables.models, key: Array(name.utf8))
        }
    }

    /// Removes a model's manifest if it is here; its shards stay.
    @available(*, noasync)
    public func deleteModel(name: String) throws(StorageError) {
        try environment.write { (transaction) throws(StorageError) in
            _ = try transaction.delete(Array(name.utf8), in: ModelTables.models)
        }
    }

    /// The manifest of a model; nil if there is none of that name.
    @available(*, noasync)
    public func model(_ name: String) throws(StorageError) -> [UInt8]? {
        try environment.read { (transaction) throws(StorageError) in
            try transaction.raw.value(in: ModelTables.models, key: Array(name.utf8))
        }
    }

    /// The names of the models in ascending order of their UTF-8 bytes.
    @available(*, noasync)
    public func modelNames() throws(StorageError) -> [String] {
        try environment.read { (transaction) throws(StorageError) in
            let rows = try transaction.raw.rows(in: ModelTables.models)
            return try StateRows.named(rows, in: ModelTables.models).map(\.key)
        }
    }
}

extension RawTransaction {
    /// The bytes of a shard in the map, valid until the transaction ends.
    func shard(_ digest: [UInt8]) throws(StorageError) -> UnsafeRawBufferPointer? {
        guard let value = unsafe try find(in: ModelTables.shards, key: digest) else { return nil }
        guard let bytes = unsafe StoredShard.bytes(in: value) else {
            throw .malformedRecord(table: ModelTables.shards.name, key: digest)
        }
        unsafe lend(bytes, isRead: false)
        return unsafe bytes
    }
}

extension WriteTransaction {
    fileprivate func putShard(
        digest: [UInt8],
        byteCount: Int,
        fill: (UnsafeMutableRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        guard try !raw.contains(digest, in: ModelTables.shards) else { return }
        unsafe try put(
            byteCount: StoredShard.valueByteCount(of: byteCount),
            in: ModelTables.shards, key: digest
        ) { (value) throws(StorageError) in
            unsafe try fill(StoredShard.prepare(value, byteCount: byteCount))
        }
    }
}
