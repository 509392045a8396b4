/// The version of a store's tables, written when the store is made.
enum StoreFormat {
    static func check(
        _ environment: Environment, table: Table, version: UInt32
    ) throws(StorageError) {
        let key = StateTables.versionKey
        let stored = try environment.read { (transaction) throws(StorageError) in
            try transaction.raw.value(in: table, key: key)
        }
        if let stored {
            guard let found: UInt32 = BigEndian.value(stored) else {
                throw .malformedRecord(table: table.name, key: key)
            }
            guard found == version else {
                throw .formatUnknown(path: environment.path, found: found, supported: version)
            }
        } else if environment.access == .readWrite {
            try environment.write { (transaction) throws(StorageError) in
                try transaction.put(BigEndian.bytes(version), in: table, key: key)
            }
        } else {
            throw .missing(path: environment.path)
        }
    }
}
