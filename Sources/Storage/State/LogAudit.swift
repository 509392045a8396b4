package import GossipLog

/// One pass over the stored log, from its first entry.
///
/// A value: a copy goes on from where it was copied, also in a later transaction.
package struct LogAudit {
    /// The next entry.
    package private(set) var index: UInt64 = 0
    private var auditor: LogAuditor
    private var tiles: TileAudit?

    /// Begins a pass over the log that `key` signs.
    package init(key: NoteKey, knownTreeHeads: [SignedTreeHead] = []) {
        auditor = LogAuditor(key: key, knownTreeHeads: knownTreeHeads)
    }

    /// Checks the entries before `end`, as far as there are, and returns the first failure.
    ///
    /// `each` gets every leaf that holds, with its index and evidence.
    package mutating func run(
        over raw: RawTransaction, to end: UInt64 = .max,
        each: (UInt64, LogLeaf, [UInt8]?) -> AuditFailure? = { _, _, _ in nil }
    ) throws(StorageError) -> AuditFailure? {
        if tiles == nil { tiles = try TileAudit(raw: raw) }
        guard let last = try raw.lastNumber(in: StateTables.logLeaves) else { return nil }
        let rows = TileRows(raw: raw)
        do {
            while index <= last, index < end {
                let item = try raw.auditItem(at: index)
                let leaf = try auditor.check(item)
                var failure = each(index, leaf, item.evidence)
                if failure == nil, let hash = auditor.lastLeafHash {
                    failure = try tiles?.append(hash, comparingWith: rows)
                }
                if let failure {
                    // What signatures tell of earlier entries comes first.
                    try auditor.settle()
                    return failure
                }
                index += 1
            }
            return nil
        } catch let failure as AuditFailure {
            return failure
        } catch let error as StorageError {
            throw error
        } catch {
            preconditionFailure("an audit ended with \(error)")
        }
    }

    /// Checks what stands beside the entries, after the last one.
    package mutating func finish(
        over raw: RawTransaction
    ) throws(StorageError) -> Result<AuditReport, AuditFailure> {
        let signedSize = try raw.lastNumber(in: StateTables.treeHeads) ?? 0
        let storedTree = try raw.value(in: StateTables.logState, key: StateTables.treeKey)
        do {
            let report = try auditor.finish(storedTree: storedTree, signedSize: signedSize)
            let failure = try tiles?.finish(comparingWith: TileRows(raw: raw))
            return failure.map { .failure($0) } ?? .success(report)
        } catch let failure as AuditFailure {
            return .failure(failure)
        } catch let error as StorageError {
            throw error
        } catch {
            preconditionFailure("an audit ended with \(error)")
        }
    }
}

extension RawTransaction {
    fileprivate func auditItem(at index: UInt64) throws(StorageError) -> LogAuditor.Item {
        let bytes = try value(in: StateTables.logLeaves, key: BigEndian.bytes(index))
        var evidence: [UInt8]?
        if let bytes, let hash = (try? LogLeaf(bytes: bytes))?.evidenceKey {
            evidence = try value(in: StateTables.evidence, key: hash)
        }
        let (size, isBeyond) = index.addingReportingOverflow(1)
        let row =
            isBeyond ? nil : try value(in: StateTables.treeHeads, key: BigEndian.bytes(size))
        let head = row.map(TreeHeadRow.note)
        return LogAuditor.Item(
            leaf: bytes, treeHead: head?.bytes, checksum: head?.checksum ?? .none,
            evidence: evidence)
    }

    fileprivate func lastNumber(in table: Table) throws(StorageError) -> UInt64? {
        guard let key = try lastKey(in: table) else { return nil }
        guard let number: UInt64 = BigEndian.value(key) else {
            throw .malformedRecord(table: table.name, key: key)
        }
        return number
    }
}
