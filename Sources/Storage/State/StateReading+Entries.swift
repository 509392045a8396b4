/// Decided entries of the chain, agreement records and settings.
extension StateReading where Self: ~Copyable {
    /// The decided entry of a height; nil if it is not here.
    public func entry(height: UInt64) throws(StorageError) -> [UInt8]? {
        try raw.value(in: StateTables.entries, key: BigEndian.bytes(height))
    }

    /// The greatest height with an entry; nil if there is none.
    public func lastEntryHeight() throws(StorageError) -> UInt64? {
        guard let key = try raw.lastKey(in: StateTables.entries) else { return nil }
        return BigEndian.value(key)
    }

    /// Entries in ascending order of height, from a height on, at most `countMax` of them.
    public func entries(
        from height: UInt64 = 0, countMax: Int = .max
    ) throws(StorageError) -> [(height: UInt64, bytes: [UInt8])] {
        let start = BigEndian.bytes(height)
        let rows = try raw.rows(in: StateTables.entries, from: start, countMax: countMax)
        return rows.compactMap { row in
            BigEndian.value(row.key).map { (height: $0, bytes: row.value) }
        }
    }

    /// An agreement record; nil if there is none under the key.
    public func record(_ key: String) throws(StorageError) -> [UInt8]? {
        try raw.value(in: StateTables.records, key: Array(key.utf8))
    }

    /// The agreement records whose keys begin with a prefix, in ascending order of the keys' UTF-8
    /// bytes.
    public func records(
        prefix: String = ""
    ) throws(StorageError) -> [(key: String, bytes: [UInt8])] {
        let rows = try raw.rows(in: StateTables.records, prefix: Array(prefix.utf8))
        return try StateRows.named(rows, in: StateTables.records)
    }

    /// A setting; nil if there is none under the key.
    public func setting(_ key: String) throws(StorageError) -> [UInt8]? {
        try raw.value(in: StateTables.settings, key: Array(key.utf8))
    }

    /// All settings in ascending order of the keys' UTF-8 bytes.
    public func settings() throws(StorageError) -> [(key: String, bytes: [UInt8])] {
        try StateRows.named(raw.rows(in: StateTables.settings), in: StateTables.settings)
    }

    /// The settings whose keys begin with a prefix, in ascending order of the keys' UTF-8 bytes.
    public func settings(
        prefix: String
    ) throws(StorageError) -> [(key: String, bytes: [UInt8])] {
        let rows = try raw.rows(in: StateTables.settings, prefix: Array(prefix.utf8))
        return try StateRows.named(rows, in: StateTables.settings)
    }

    /// What is known of a peer; nil if nothing is.
    ///
    /// `id` are the bytes of its peer ID, 1 to 128.
    public func peer(_ id: [UInt8]) throws(StorageError) -> [UInt8]? {
        try raw.value(in: StateTables.peers, key: id)
    }

    /// All peers in ascending order of their IDs' bytes.
    public func peers() throws(StorageError) -> [(id: [UInt8], bytes: [UInt8])] {
        try raw.rows(in: StateTables.peers).map { (id: $0.key, bytes: $0.value) }
    }
}

extension WriteTransaction {
    /// Stores the decided entry of a height; the same bytes again change nothing.
    ///
    /// - Throws: `.exists` if another entry was decided for that height.
    public func putEntry(height: UInt64, _ bytes: [UInt8]) throws(StorageError) {
        try putOnce(bytes, in: StateTables.entries, key: BigEndian.bytes(height))
    }

    /// Sets an agreement record; the key has 1 to 511 bytes of UTF-8.
    public func putRecord(_ key: String, _ bytes: [UInt8]) throws(StorageError) {
        try put(bytes, in: StateTables.records, key: Array(key.utf8))
    }

    /// Removes an agreement record if it is there.
    public func deleteRecord(_ key: String) throws(StorageError) {
        try delete(Array(key.utf8), in: StateTables.records)
    }

    /// Removes the agreement records whose keys begin with a prefix.
    public func deleteRecords(prefix: String) throws(StorageError) {
        for key in try raw.keys(in: StateTables.records, prefix: Array(prefix.utf8)) {
            try delete(key, in: StateTables.records)
        }
    }

    /// Sets a setting; the key has 1 to 511 bytes of UTF-8.
    public func putSetting(_ key: String, _ bytes: [UInt8]) throws(StorageError) {
        try put(bytes, in: StateTables.settings, key: Array(key.utf8))
    }

    /// Removes the settings whose keys begin with a prefix.
    public func deleteSettings(prefix: String) throws(StorageError) {
        for key in try raw.keys(in: StateTables.settings, prefix: Array(prefix.utf8)) {
            try delete(key, in: StateTables.settings)
        }
    }

    /// Sets what is known of a peer; `id` are the bytes of its peer ID, 1 to 128.
    public func putPeer(_ id: [UInt8], _ bytes: [UInt8]) throws(StorageError) {
        try put(bytes, in: StateTables.peers, key: id)
    }

    /// Forgets a peer if it is known.
    public func deletePeer(_ id: [UInt8]) throws(StorageError) {
        try delete(id, in: StateTables.peers)
    }
}

enum StateRows {
    /// Reads the keys of rows as UTF-8.
    static func named(
        _ rows: [RawTransaction.Row], in table: Table
    ) throws(StorageError) -> [(key: String, bytes: [UInt8])] {
        var named: [(key: String, bytes: [UInt8])] = []
        for row in rows {
            guard let key = String(validating: row.key, as: UTF8.self) else {
                throw .malformedRecord(table: table.name, key: row.key)
            }
            named.append((key: key, bytes: row.value))
        }
        return named
    }
}
