public import GossipLog

/// The node's own log.
extension StateReading where Self: ~Copyable {
    /// The tree over all leaves, from the stored frontier.
    ///
    /// - Throws: `.malformedRecord` if the frontier is damaged, `.logInconsistent` if there are
    ///   more or fewer leaves than it says.
    public func logTree() throws(StorageError) -> MerkleTree {
        let key = StateTables.treeKey
        let stored = try raw.value(in: StateTables.logState, key: key)
        let decoded = stored.map { MerkleTree(encoded: $0) } ?? MerkleTree()
        guard let tree = decoded else {
            throw .malformedRecord(table: StateTables.logState.name, key: key)
        }
        let leafCount = UInt64(try raw.count(of: StateTables.logLeaves))
        guard leafCount == tree.size else {
            throw .logInconsistent(frontierSize: tree.size, leafCount: leafCount)
        }
        return tree
    }

    /// The bytes of a leaf; nil if there is none at the index.
    public func logLeaf(_ index: UInt64) throws(StorageError) -> [UInt8]? {
        try raw.value(in: StateTables.logLeaves, key: BigEndian.bytes(index))
    }

    /// The bytes of leaves from an index on, at most `countMax` of them.
    public func logLeaves(
        from index: UInt64 = 0, countMax: Int = .max
    ) throws(StorageError) -> [[UInt8]] {
        let start = BigEndian.bytes(index)
        return try raw.rows(in: StateTables.logLeaves, from: start, countMax: countMax).map(\.value)
    }

    /// The signed tree head for a size, as the bytes of its note; nil if there is none.
    public func treeHead(size: UInt64) throws(StorageError) -> [UInt8]? {
        try raw.value(in: StateTables.treeHeads, key: BigEndian.bytes(size))
            .map { TreeHeadRow.note($0).bytes }
    }

    /// The signed tree head of the greatest size, as the bytes of its note; nil for an empty log.
    public func latestTreeHead() throws(StorageError) -> [UInt8]? {
        guard let key = try raw.lastKey(in: StateTables.treeHeads) else { return nil }
        return try raw.value(in: StateTables.treeHeads, key: key).map { TreeHeadRow.note($0).bytes }
    }

    /// The evidence behind a leaf by its hash (32 bytes); nil if it is not here.
    public func evidence(hash: [UInt8]) throws(StorageError) -> [UInt8]? {
        try raw.value(in: StateTables.evidence, key: hash)
    }

    /// Checks the whole log that `key` signs, and names the first bad entry.
    ///
    /// `each` gets every leaf that holds, with its index and evidence, and may find fault with it
    /// by its own rules.
    /// - Throws: `StorageError` where the store could not be read; what is wrong with the log is
    ///   in the result.
    /// - Complexity: O(log n) hashes for each entry, one signature check for up to 256 of them.
    public func auditLog(
        key: NoteKey,
        knownTreeHeads: [SignedTreeHead] = [],
        each: (UInt64, LogLeaf, [UInt8]?) -> AuditFailure? = { _, _, _ in nil }
    ) throws(StorageError) -> Result<AuditReport, AuditFailure> {
        var audit = LogAudit(key: key, knownTreeHeads: knownTreeHeads)
        if let failure = try audit.run(over: raw, each: each) { return .failure(failure) }
        return try audit.finish(over: raw)
    }
}

extension WriteTransaction {
    /// Appends entries to the log: leaves, their evidence, a signed tree head after each leaf, and
    /// the new frontier.
    ///
    /// `signer` holds the log's key; its name is the log's origin.
    /// Returns the last tree head; nil if there are no entries.
    /// - Throws: `.logInconsistent` or `.malformedRecord` if the stored log is damaged.
    @discardableResult
    public func appendLog(
        _ entries: [LogEntry], signer: NoteSigner
    ) throws(StorageError) -> SignedTreeHead? {
        guard !entries.isEmpty else { return nil }
        var tree = try logTree()
        try fillMissingTiles(size: tree.size)
        var head: SignedTreeHead?
        for entry in entries {
            let bytes = entry.leaf.bytes
            try putOnce(bytes, in: StateTables.logLeaves, key: BigEndian.bytes(tree.size))
            if let evidence = entry.evidence, let hash = entry.leaf.evidenceKey {
                try putOnce(evidence, in: StateTables.evidence, key: hash)
            }
            tree.append(bytes)
            let signed = signer.treeHead(of: tree)
            try put(
                TreeHeadRow.bytes(note: signed.bytes), in: StateTables.treeHeads,
                key: BigEndian.bytes(tree.size))
            if tree.size.isMultiple(of: LogTile.width) { try fillTiles(size: tree.size) }
            head = signed
        }
        try put(tree.encoded, in: StateTables.logState, key: StateTables.treeKey)
        return head
    }
}
