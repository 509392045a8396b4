internal import CLMDB
internal import Glibc

/// The steps from a folder to an open environment; closes it again if one of them fails.
@safe
struct EnvironmentOpening: ~Copyable {
    private(set) var tableHandles: [MDB_dbi] = []
    private let folder: String
    private var handle: OpaquePointer?

    /// A map below this size is not worth a try.
    private static let mapByteCountMin = 1 << 20
    private static let fileMode: mode_t = 0o600

    init(
        folder: String, tables: [Table], limits: MapLimits, access: StorageAccess
    ) throws(StorageError) {
        self.folder = folder
        unsafe handle = nil
        try openEnvironment(tableCount: tables.count, limits: limits, access: access)
        try clearStaleReaders(access: access)
        try extendShortFile(access: access)
        try openTables(tables, access: access)
    }

    deinit {
        if let handle = unsafe handle {
            unsafe mdb_env_close(handle)
        }
    }

    /// Hands the open environment over.
    consuming func take() -> OpaquePointer {
        guard let taken = unsafe handle else {
            preconditionFailure("an environment is taken once")
        }
        unsafe handle = nil
        return unsafe taken
    }

    /// Opens with the greatest map that the process may have, from `limits` downwards.
    private mutating func openEnvironment(
        tableCount: Int, limits: MapLimits, access: StorageAccess
    ) throws(StorageError) {
        var byteCount = limits.initialByteCount
        while true {
            let code = try tryOpening(byteCount: byteCount, tableCount: tableCount, access: access)
            if code == 0 { return }
            guard code == ENOMEM else {
                throw .from(path: folder, call: "mdb_env_open", code: code)
            }
            byteCount /= 2
            guard byteCount >= Self.mapByteCountMin else {
                throw .addressSpaceExhausted(path: folder, byteCount: byteCount)
            }
        }
    }

    /// Returns what `mdb_env_open` returned; `handle` is set if that is 0.
    private mutating func tryOpening(
        byteCount: Int, tableCount: Int, access: StorageAccess
    ) throws(StorageError) -> Int32 {
        var created: OpaquePointer?
        try StorageError.check(
            unsafe mdb_env_create(&created), path: folder, call: "mdb_env_create"
        )
        guard let environment = unsafe created else {
            throw .failed(path: folder, call: "mdb_env_create", code: 0)
        }
        var code = unsafe mdb_env_set_maxdbs(environment, MDB_dbi(tableCount))
        if code == 0 {
            code = unsafe mdb_env_set_mapsize(environment, byteCount)
        }
        if code == 0 {
            let flags = UInt32(MDB_NOTLS) | (access == .readOnly ? UInt32(MDB_RDONLY) : 0)
            code = unsafe mdb_env_open(environment, folder, flags, Self.fileMode)
        }
        if code == 0 {
            unsafe handle = environment
        } else {
            // lmdb.h: after a failed mdb_env_open the handle must still be closed.
            unsafe mdb_env_close(environment)
        }
        return code
    }

    /// Frees the reader slots of processes that no longer exist, whose views would keep pages from
    /// being used again.
    private func clearStaleReaders(access: StorageAccess) throws(StorageError) {
        guard access == .readWrite else { return }
        var clearedCount: Int32 = 0
        try StorageError.check(
            unsafe mdb_reader_check(handle, &clearedCount), path: folder, call: "mdb_reader_check"
        )
    }

    /// Makes the data file as long as its head says.
    ///
    /// LMDB does not write pages at the end that a transaction took and freed again, so the file
    /// can be shorter than its head says. Where it was cut off by something else, reading the
    /// missing part through the map would end the process (SIGBUS); zeros are found to be damage.
    private func extendShortFile(access: StorageAccess) throws(StorageError) {
        var info = unsafe MDB_envinfo()
        var statistics = MDB_stat()
        var descriptor: Int32 = -1
        var status = stat()
        guard unsafe mdb_env_info(handle, &info) == 0,
            unsafe mdb_env_stat(handle, &statistics) == 0,
            unsafe mdb_env_get_fd(handle, &descriptor) == 0,
            unsafe fstat(descriptor, &status) == 0
        else { throw .from(path: folder, call: "fstat", code: errno) }
        let expected = unsafe (info.me_last_pgno + 1) * Int(statistics.ms_psize)
        guard status.st_size < expected else { return }
        switch access {
        case .readWrite:
            guard ftruncate(descriptor, expected) == 0 else {
                throw .from(path: folder, call: "ftruncate", code: errno)
            }
        case .readOnly:
            try StoreLock.extendUnlessInUse(
                file: folder + "/data.mdb", byteCount: expected, folder: folder
            )
        }
    }

    private mutating func openTables(
        _ tables: [Table], access: StorageAccess
    ) throws(StorageError) {
        let isReadOnly = access == .readOnly
        var begun: OpaquePointer?
        try StorageError.check(
            unsafe mdb_txn_begin(handle, nil, isReadOnly ? UInt32(MDB_RDONLY) : 0, &begun),
            path: folder, call: "mdb_txn_begin"
        )
        guard let transaction = unsafe begun else {
            throw .failed(path: folder, call: "mdb_txn_begin", code: 0)
        }
        for (index, table) in tables.enumerated() {
            precondition(table.index == index, "table \(table.name) at \(index)")
            var tableHandle = MDB_dbi()
            let flags = isReadOnly ? 0 : UInt32(MDB_CREATE)
            let code = unsafe mdb_dbi_open(transaction, table.name, flags, &tableHandle)
            guard code == 0 else {
                unsafe mdb_txn_abort(transaction)
                throw code == MDB_NOTFOUND
                    ? .missing(path: folder)
                    : .from(path: folder, call: "mdb_dbi_open", code: code)
            }
            tableHandles.append(tableHandle)
        }
        // Committing keeps the table handles, also those of a read transaction.
        try StorageError.check(
            unsafe mdb_txn_commit(transaction), path: folder, call: "mdb_txn_commit"
        )
    }
}
