internal import GossipLog

/// What a node must not forget: decided entries, agreement records, updates, its log, its peers
/// and settings, in one LMDB environment with short transactions.
///
/// Calls block on the disk. They are made from one actor on a ``SerialThreadExecutor``; calls from
/// several threads are safe and wait for one another. The store is closed when the last reference
/// to it goes.
public final class StateStore: Sendable {
    /// The bytes of a chunk of an object at most.
    public static let chunkByteCountMax = StateTables.chunkByteCountMax

    package let environment: Environment

    /// The map begins with 1 GiB of address space, enough for years of a small federation.
    package static let mapLimits = MapLimits(initialByteCount: 1 << 30, byteCountMax: 1 << 40)

    /// Opens the store in a folder; with access to write, makes it if it is not there.
    ///
    /// - Throws: `.missing`, `.inUse`, `.alreadyOpen`, `.notWritable`, `.formatUnknown`, `.corrupt`
    ///   and other cases.
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
            folder: folder, tables: StateTables.all, limits: limits, access: access, faults: faults
        )
        try StoreFormat.check(
            environment, table: StateTables.format, version: StateTables.formatVersion
        )
    }

    /// Runs `body` with a view of the store as it is now.
    ///
    /// - Throws: what `body` throws, or why no view could be had.
    @available(*, noasync)
    public func read<Result>(
        _ body: (borrowing ReadTransaction) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        try environment.read(body)
    }

    /// Runs `body` and makes its changes to all tables durable together, or none of them if it
    /// throws.
    ///
    /// `body` runs again from the start when the memory map was too small and has grown, so it
    /// changes nothing outside the transaction. A write inside a write is a mistake that stops
    /// the program.
    /// - Throws: what `body` throws, or why the changes could not be made durable.
    @available(*, noasync)
    @discardableResult
    public func write<Result>(
        _ body: (borrowing WriteTransaction) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        try environment.write(body)
    }

    /// A digest (32 bytes) over the names of all tables and over all their keys and values.
    ///
    /// Two stores have the same one when they hold the same, whatever their files look like.
    /// - Complexity: reads the whole store.
    @available(*, noasync)
    public func digestOfAllTables() throws(StorageError) -> [UInt8] {
        try read { (transaction) throws(StorageError) in
            var tree = MerkleTree()
            for table in StateTables.all {
                tree.append(Array(table.name.utf8))
                unsafe try transaction.raw.forEach(in: table) { (key, value) throws(StorageError) in
                    unsafe tree.append(BigEndian.bytes(UInt64(key.count)) + key + value)
                    return true
                }
            }
            return tree.rootBytes
        }
    }
}
