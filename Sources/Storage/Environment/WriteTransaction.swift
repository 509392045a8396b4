internal import CLMDB

/// Changes to several tables that happen together or not at all.
///
/// It sees its own changes. It ends by ``commit()`` or ``abort()``; without either it is aborted.
public struct WriteTransaction: ~Copyable, StateReading {
    private var open: RawTransaction?

    init(environment: Environment) throws(StorageError) {
        open = try environment.begin(forWriting: true)
    }

    deinit {
        if let open {
            unsafe mdb_txn_abort(open.handle)
            open.environment.end(open)
        }
    }

    /// What the typed tables read through.
    public var raw: RawTransaction {
        guard let open else { preconditionFailure("the transaction has ended") }
        return open
    }

    /// Makes the changes durable: they are on the disk when this returns.
    consuming func commit() throws(StorageError) {
        let raw = raw
        try raw.environment.faults?.observe(.commit)
        open = nil
        // lmdb.h: the handle is freed whatever mdb_txn_commit returns.
        let code = unsafe mdb_txn_commit(raw.handle)
        raw.environment.end(raw)
        try StorageError.check(code, path: raw.path, call: "mdb_txn_commit")
        try raw.environment.faults?.observe(.committed)
    }

    /// Drops the changes.
    consuming func abort() {
        let raw = raw
        open = nil
        unsafe mdb_txn_abort(raw.handle)
        raw.environment.end(raw)
    }
}

extension WriteTransaction {
    /// Sets the value of a key.
    package func put(_ value: [UInt8], in table: Table, key: [UInt8]) throws(StorageError) {
        try prepareToPut(in: table, key: key, byteCount: value.count)
        let raw = raw
        let code = unsafe raw.withValue(key) { key in
            unsafe raw.withValue(value) { value in
                unsafe mdb_put(raw.handle, raw.tableHandle(table), key, value, 0)
            }
        }
        try StorageError.check(code, path: raw.path, call: "mdb_put")
    }

    /// Sets the value of a key once: the same value again changes nothing.
    ///
    /// - Throws: `.exists` if the key has another value.
    package func putOnce(_ value: [UInt8], in table: Table, key: [UInt8]) throws(StorageError) {
        try table.check(valueByteCount: value.count)
        let isEqual = unsafe try raw.withValue(in: table, key: key) {
            (found) throws(StorageError) in
            unsafe found.elementsEqual(value)
        }
        switch isEqual {
        case nil: try put(value, in: table, key: key)
        case true?: break
        case false?: throw .exists(table: table.name, key: key)
        }
    }

    /// Makes room for a value and lets `fill` write all of it, in place.
    package func put(
        byteCount: Int,
        in table: Table,
        key: [UInt8],
        fill: (UnsafeMutableRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        try prepareToPut(in: table, key: key, byteCount: byteCount)
        let raw = raw
        var value = unsafe MDB_val(mv_size: byteCount, mv_data: nil)
        let code = unsafe raw.withValue(key) { key in
            unsafe mdb_put(
                raw.handle, raw.tableHandle(table), key, &value, UInt32(MDB_RESERVE)
            )
        }
        try StorageError.check(code, path: raw.path, call: "mdb_put")
        unsafe try fill(UnsafeMutableRawBufferPointer(start: value.mv_data, count: value.mv_size))
    }

    /// Removes a key; false if it was not in the table.
    @discardableResult
    package func delete(_ key: [UInt8], in table: Table) throws(StorageError) -> Bool {
        try table.check(keyByteCount: key.count)
        let raw = raw
        try raw.environment.faults?.observe(.delete(table: table.name))
        let code = unsafe raw.withValue(key) { key in
            unsafe mdb_del(raw.handle, raw.tableHandle(table), key, nil)
        }
        guard code != MDB_NOTFOUND else { return false }
        try StorageError.check(code, path: raw.path, call: "mdb_del")
        return true
    }

    private func prepareToPut(
        in table: Table, key: [UInt8], byteCount: Int
    ) throws(StorageError) {
        try table.check(keyByteCount: key.count)
        try table.check(valueByteCount: byteCount)
        try raw.environment.faults?.observe(.put(table: table.name))
    }
}
