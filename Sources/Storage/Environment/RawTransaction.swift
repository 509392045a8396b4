internal import CLMDB

/// An open LMDB transaction as the typed tables use it; it has no public members.
///
/// It is valid as long as the ``ReadTransaction`` or ``WriteTransaction`` that lends it.
@safe
public struct RawTransaction {
    let environment: Environment
    let handle: OpaquePointer
    private let isWriting: Bool

    init(environment: Environment, handle: OpaquePointer, isWriting: Bool) {
        self.environment = environment
        unsafe self.handle = handle
        self.isWriting = isWriting
    }

    var path: String { environment.path }
}

extension RawTransaction {
    /// Lends the value of a key, in place; nil if the key is not in the table.
    package func withValue<Result>(
        in table: Table,
        key: [UInt8],
        _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Result
    ) throws(StorageError) -> Result? {
        guard let value = unsafe try find(in: table, key: key) else { return nil }
        unsafe lend(value, isRead: true)
        return unsafe try body(value)
    }

    /// A copy of the value of a key; nil if the key is not in the table.
    package func value(in table: Table, key: [UInt8]) throws(StorageError) -> [UInt8]? {
        guard let value = unsafe try find(in: table, key: key) else { return nil }
        unsafe lend(value, isRead: true)
        return unsafe Array(value)
    }

    /// Whether the key is in the table.
    package func contains(_ key: [UInt8], in table: Table) throws(StorageError) -> Bool {
        unsafe try find(in: table, key: key) != nil
    }

    /// The number of keys in a table.
    package func count(of table: Table) throws(StorageError) -> Int {
        var statistics = MDB_stat()
        let code = unsafe mdb_stat(handle, environment.tableHandle(table), &statistics)
        try StorageError.check(code, path: path, call: "mdb_stat")
        return statistics.ms_entries
    }

    /// The value's bytes in the map, valid until the transaction ends or writes.
    func find(in table: Table, key: [UInt8]) throws(StorageError) -> UnsafeRawBufferPointer? {
        try table.check(keyByteCount: key.count)
        var found = unsafe MDB_val()
        let code = unsafe withValue(key) { unsafe mdb_get(handle, tableHandle(table), $0, &found) }
        guard code != MDB_NOTFOUND else { return nil }
        try StorageError.check(code, path: path, call: "mdb_get")
        return unsafe found.bytes
    }

    /// Tells the environment which bytes of its map are read.
    ///
    /// A writing transaction also finds what it has changed, which lies in other memory.
    func lend(_ bytes: UnsafeRawBufferPointer, isRead: Bool) {
        guard !isWriting else { return }
        unsafe environment.lend(bytes, isRead: isRead)
    }

    func tableHandle(_ table: Table) -> MDB_dbi { environment.tableHandle(table) }

    /// Lends bytes to LMDB as a key or value, which it only reads.
    func withValue(
        _ bytes: [UInt8], _ body: (UnsafeMutablePointer<MDB_val>) -> Int32
    ) -> Int32 {
        unsafe bytes.withUnsafeBytes { buffer in
            var value = unsafe MDB_val(
                mv_size: buffer.count,
                mv_data: UnsafeMutableRawPointer(mutating: buffer.baseAddress)
            )
            return unsafe body(&value)
        }
    }
}

extension MDB_val {
    var bytes: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: mv_data, count: mv_size)
    }
}
