internal import CLMDB

extension RawTransaction {
    /// One key and its value, copied.
    package struct Row: Hashable, Sendable {
        package let key: [UInt8]
        package let value: [UInt8]

        package init(key: [UInt8], value: [UInt8]) {
            self.key = key
            self.value = value
        }
    }

    /// Lends keys and values in ascending order of the keys, from the first that is not less than
    /// `start`, until `body` returns false.
    package func forEach(
        in table: Table,
        from start: [UInt8] = [],
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StorageError) -> Bool
    ) throws(StorageError) {
        let cursor = try Cursor(transaction: self, table: table)
        var found = unsafe try cursor.seek(start)
        while let (key, value) = unsafe found {
            unsafe lend(value, isRead: true)
            guard unsafe try body(key, value) else { return }
            unsafe found = try cursor.move(MDB_NEXT)
        }
    }

    /// Copies of the rows whose keys begin with a prefix, in ascending order of the keys.
    package func rows(
        in table: Table, prefix: [UInt8] = [], from start: [UInt8]? = nil, countMax: Int = .max
    ) throws(StorageError) -> [Row] {
        var rows: [Row] = []
        guard countMax > 0 else { return rows }
        unsafe try forEach(in: table, from: start ?? prefix) { (key, value) throws(StorageError) in
            guard unsafe key.starts(with: prefix) else { return false }
            unsafe rows.append(Row(key: Array(key), value: Array(value)))
            return rows.count < countMax
        }
        return rows
    }

    /// Copies of the keys that begin with a prefix, in ascending order.
    package func keys(
        in table: Table, prefix: [UInt8] = []
    ) throws(StorageError) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        unsafe try forEach(in: table, from: prefix) { (key, _) throws(StorageError) in
            guard unsafe key.starts(with: prefix) else { return false }
            unsafe keys.append(Array(key))
            return true
        }
        return keys
    }

    /// The greatest key; nil if the table is empty.
    package func lastKey(in table: Table) throws(StorageError) -> [UInt8]? {
        let cursor = try Cursor(transaction: self, table: table)
        guard let (key, _) = unsafe try cursor.move(MDB_LAST) else { return nil }
        return unsafe Array(key)
    }
}

/// A position in a table, closed before its transaction ends.
@safe
private struct Cursor: ~Copyable {
    typealias Position = (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)

    private let handle: OpaquePointer
    private let path: String

    init(transaction: RawTransaction, table: Table) throws(StorageError) {
        path = transaction.path
        var opened: OpaquePointer?
        let code = unsafe mdb_cursor_open(
            transaction.handle, transaction.tableHandle(table), &opened
        )
        try StorageError.check(code, path: transaction.path, call: "mdb_cursor_open")
        guard let cursor = unsafe opened else {
            throw .failed(path: transaction.path, call: "mdb_cursor_open", code: 0)
        }
        unsafe handle = cursor
    }

    deinit {
        unsafe mdb_cursor_close(handle)
    }

    /// Goes to the first key that is not less than `start`.
    func seek(_ start: [UInt8]) throws(StorageError) -> Position? {
        guard !start.isEmpty else { return unsafe try move(MDB_FIRST) }
        var value = unsafe MDB_val()
        var found: MDB_val? = nil
        let code = unsafe start.withUnsafeBytes { buffer in
            var key = unsafe MDB_val(
                mv_size: buffer.count,
                mv_data: UnsafeMutableRawPointer(mutating: buffer.baseAddress)
            )
            let code = unsafe mdb_cursor_get(handle, &key, &value, MDB_SET_RANGE)
            unsafe found = key
            return code
        }
        return unsafe try position(code, key: found ?? MDB_val(), value: value)
    }

    func move(_ operation: MDB_cursor_op) throws(StorageError) -> Position? {
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        let code = unsafe mdb_cursor_get(handle, &key, &value, operation)
        return unsafe try position(code, key: key, value: value)
    }

    private func position(
        _ code: Int32, key: MDB_val, value: MDB_val
    ) throws(StorageError) -> Position? {
        guard code != MDB_NOTFOUND else { return nil }
        try StorageError.check(code, path: path, call: "mdb_cursor_get")
        return unsafe (key.bytes, value.bytes)
    }
}
