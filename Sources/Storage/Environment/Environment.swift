internal import CLMDB
internal import Glibc
internal import Tensors

/// One LMDB environment: a folder with a data file, its lock files and a fixed set of tables.
///
/// Of LMDB's rules (lmdb.h) these are kept here:
/// - an environment is opened once per process (``StoreLock``);
/// - with `MDB_NOTLS` a reader slot belongs to its transaction, which may move between threads;
/// - one write transaction at a time, begun and ended on one thread;
/// - the map is resized only while this process has no transaction;
/// - reader slots that a killed process left are cleared when a writer opens the environment.
///
/// It is closed when nothing refers to it any more; its transactions do.
@safe
package final class Environment: MemoryMap, @unchecked Sendable {
    /// The folder.
    package let path: String
    let access: StorageAccess
    let faults: WriteFaults?
    private let limits: MapLimits
    private let lock: StoreLock
    private let handle: OpaquePointer
    private let tableHandles: [MDB_dbi]

    /// Held for the whole of a write transaction.
    private let writer = Monitor()
    /// Guards the fields below, and is held while transactions begin and the map is resized.
    private let gate = Monitor()
    private var activeTransactionCount = 0
    private var writerThread: pthread_t?
    /// What readers were lent of the map as it lies now; it moves only while nobody reads.
    private let lent = LentSpan()

    /// After reading so many bytes of the map, their memory is given back: the system has them at
    /// hand, and a node should not hold its store in memory.
    private static let residentByteCountMax = 1 << 20

    /// Opens the environment in a folder; with access to write, makes what is not there yet.
    ///
    /// - Throws: `.missing`, `.inUse`, `.alreadyOpen`, `.notWritable`, `.corrupt` and other cases.
    package init(
        folder: String,
        tables: [Table],
        limits: MapLimits,
        access: StorageAccess,
        faults: WriteFaults? = nil
    ) throws(StorageError) {
        if access == .readWrite {
            try StoreFolder.create(folder)
        }
        let lock = try StoreLock(folder: folder, access: access)
        if access == .readWrite {
            try StoreFolder.discardTornCreation(in: folder)
        }
        let opening = try EnvironmentOpening(
            folder: folder, tables: tables, limits: limits, access: access
        )
        path = folder
        self.access = access
        self.faults = faults
        self.limits = limits
        self.lock = lock
        tableHandles = opening.tableHandles
        unsafe handle = opening.take()
    }

    deinit {
        precondition(activeTransactionCount == 0, "closed with open transactions")
        unsafe mdb_env_close(handle)
    }

    /// Runs `body` with a view of the store as it is now.
    @available(*, noasync)
    package func read<Result>(
        _ body: (borrowing ReadTransaction) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        let transaction = try ReadTransaction(environment: self)
        return try body(transaction)
    }

    /// Runs `body` in a write transaction and commits it, durably, if `body` does not throw.
    ///
    /// `body` runs again from the start when the map was too small and has grown.
    @available(*, noasync)
    @discardableResult
    package func write<Result>(
        _ body: (borrowing WriteTransaction) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        guard access == .readWrite else { throw .openedReadOnly(path: path) }
        enterWriter()
        defer { leaveWriter() }
        while true {
            do {
                return try attemptWrite(body)
            } catch .mapFull {
                try growMap()
            } catch {
                throw error
            }
        }
    }

    private func attemptWrite<Result>(
        _ body: (borrowing WriteTransaction) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        let transaction = try WriteTransaction(environment: self)
        let result: Result
        do {
            result = try body(transaction)
        } catch {
            transaction.abort()
            throw error
        }
        try transaction.commit()
        return result
    }

    private func enterWriter() {
        gate.lock()
        if let thread = writerThread {
            let isSame = pthread_equal(thread, pthread_self()) != 0
            precondition(!isSame, "a write transaction inside a write transaction of \(path)")
        }
        gate.unlock()
        writer.lock()
        gate.lock()
        writerThread = pthread_self()
        gate.unlock()
    }

    private func leaveWriter() {
        gate.lock()
        writerThread = nil
        gate.unlock()
        writer.unlock()
    }
}

extension Environment {
    /// Begins a transaction; whoever does ends it with ``end(_:)``.
    func begin(forWriting: Bool) throws(StorageError) -> RawTransaction {
        gate.lock()
        defer { gate.unlock() }
        let flags = forWriting ? 0 : UInt32(MDB_RDONLY)
        var transaction: OpaquePointer?
        var code = unsafe mdb_txn_begin(handle, nil, flags, &transaction)
        if code == MDB_MAP_RESIZED, activeTransactionCount == 0 {
            // Another process wrote beyond this process's map; size 0 takes over its size.
            lent.reset()
            try StorageError.check(
                unsafe mdb_env_set_mapsize(handle, 0), path: path, call: "mdb_env_set_mapsize"
            )
            code = unsafe mdb_txn_begin(handle, nil, flags, &transaction)
        }
        try StorageError.check(code, path: path, call: "mdb_txn_begin")
        guard let transaction = unsafe transaction else {
            throw .failed(path: path, call: "mdb_txn_begin", code: 0)
        }
        activeTransactionCount += 1
        return unsafe RawTransaction(
            environment: self, handle: transaction, isWriting: forWriting)
    }

    /// Counts a transaction as ended, after LMDB ended it.
    func end(_: RawTransaction) {
        gate.lock()
        activeTransactionCount -= 1
        if lent.hasRead(byteCount: Self.residentByteCountMax) { unsafe giveBack(span) }
        gate.unlock()
    }

    /// The map from the first to the last byte that readers were lent.
    package var span: UnsafeRawBufferPointer { unsafe lent.bytes }

    /// Notes bytes of the map that a reading transaction lends.
    ///
    /// - Parameter isRead: whether somebody reads all of them now.
    func lend(_ bytes: UnsafeRawBufferPointer, isRead: Bool) {
        unsafe lent.add(bytes, isRead: isRead)
    }

    func tableHandle(_ table: Table) -> MDB_dbi {
        precondition(tableHandles.indices.contains(table.index), "table \(table.name)")
        return tableHandles[table.index]
    }

    /// The size of the memory map in bytes.
    package var mapByteCount: Int {
        var info = unsafe MDB_envinfo()
        let code = unsafe mdb_env_info(handle, &info)
        precondition(code == 0, "mdb_env_info returned \(code)")
        return unsafe info.me_mapsize
    }

    /// Doubles the map.
    ///
    /// - Throws: `.mapFull` if it is at its limit, or if this process reads the store right now:
    ///   the map would move away under the reader.
    private func growMap() throws(StorageError) {
        gate.lock()
        defer { gate.unlock() }
        let current = mapByteCount
        let target = min(max(current, limits.initialByteCount) * 2, limits.byteCountMax)
        guard activeTransactionCount == 0, target > current else {
            throw .mapFull(
                path: path, byteCount: current, activeTransactionCount: activeTransactionCount
            )
        }
        lent.reset()
        let code = unsafe mdb_env_set_mapsize(handle, target)
        guard code != ENOMEM else {
            throw .addressSpaceExhausted(path: path, byteCount: target)
        }
        try StorageError.check(code, path: path, call: "mdb_env_set_mapsize")
    }
}
