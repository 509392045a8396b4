import Cryptography
import GossipLog
import Storage
import Testing

@Suite struct LogStoreTests {
    let folder: TemporaryFolder
    let store: StateStore
    let signer: NoteSigner

    init() throws {
        folder = try TemporaryFolder()
        store = try StateStore(folder: folder.state)
        let key = try #require(SigningKey(seed: [UInt8](repeating: 5, count: 32)))
        signer = try NoteSigner(name: "starling.example/log", signingKey: key)
    }

    func append(_ range: Range<Int>) throws {
        let entries = try range.map {
            try LogEntry(
                kind: .note, timeMilliseconds: UInt64($0), payload: [UInt8($0), 1],
                evidence: $0.isMultiple(of: 3) ? [UInt8](repeating: UInt8($0), count: 40) : nil
            )
        }
        try store.write { (transaction) throws(StorageError) in
            try transaction.appendLog(entries, signer: signer)
        }
    }

    func audit(
        each: (UInt64, LogLeaf, [UInt8]?) -> AuditFailure? = { _, _, _ in nil }
    ) throws(StorageError) -> Result<AuditReport, AuditFailure> {
        try store.read { (transaction) throws(StorageError) in
            try transaction.auditLog(key: signer.key, each: each)
        }
    }

    @Test func `leaves, evidence and tree heads are there and hold`() throws {
        try append(0..<1)
        try append(1..<4)
        try append(4..<4)
        var seen: [UInt64] = []
        let report = try audit { index, leaf, evidence in
            seen.append(index)
            #expect((evidence != nil) == index.isMultiple(of: 3))
            #expect(leaf.payload == [UInt8(index), 1])
            return nil
        }.get()
        #expect(seen == [0, 1, 2, 3])
        #expect(report.entryCount == 4)
        try store.read { (transaction) throws(StorageError) in
            #expect(try transaction.logTree().size == 4)
            #expect(try transaction.latestTreeHead() == report.treeHead?.bytes)
            #expect(try transaction.treeHead(size: 2) != nil)
            #expect(try transaction.logLeaves(from: 2, countMax: 1).count == 1)
            #expect(try transaction.logLeaf(9) == nil)
        }
    }

    @Test func `a check of the caller's own names its entry`() throws {
        try append(0..<5)
        let failure = AuditFailure(entryIndex: 3, reason: .leafMissing)
        let result = try audit { index, _, _ in index == 3 ? failure : nil }
        #expect(result == .failure(failure))
    }

    @Test func `a log of another key does not pass`() throws {
        try append(0..<2)
        let other = try NoteSigner(
            name: "starling.example/log", signingKey: SigningKey.generate()
        )
        let result = try store.read { (transaction) throws(StorageError) in
            try transaction.auditLog(key: other.key)
        }
        #expect(
            result
                == .failure(
                    AuditFailure(
                        entryIndex: 0, reason: .treeHeadInvalid(.note(.noKnownSignature)))
                ))
    }

    @Test func `nothing is appended to a damaged log`() throws {
        try append(0..<3)
        let leaves = LogTables.leaves
        try store.environment.write { (transaction) throws(StorageError) in
            try transaction.delete(LogTables.number(2), in: leaves)
        }
        #expect(throws: StorageError.logInconsistent(frontierSize: 3, leafCount: 2)) {
            try append(3..<4)
        }
        let result = try audit()
        #expect(
            result
                == .failure(
                    AuditFailure(entryIndex: 2, reason: .truncated(size: 2, signedSize: 3))
                ))
    }

    @Test func `any changed byte of the log's tables is found`() throws {
        let count = 12
        try append(0..<count)
        #expect(try audit().get().entryCount == UInt64(count))
        var generator = SplitMix64(state: 42)
        for round in 0..<400 {
            let table = LogTables.all[round % LogTables.all.count]
            let rows = try store.read { (transaction) throws(StorageError) in
                try transaction.raw.rows(in: table)
            }
            let row = rows[Int.random(in: rows.indices, using: &generator)]
            let edit = Edit.random(row, in: table, using: &generator)
            try replace(row, by: edit, in: table)
            let result = try audit()
            guard case .failure(let failure) = result else {
                Issue.record("\(table.name) \(row.key): \(edit) passed")
                return
            }
            expectRightIndex(failure, of: row, edit, in: table, count: count)
            try replace(edit, by: row, in: table)
        }
        #expect(try audit().get().entryCount == UInt64(count))
    }

    /// A changed value is named at its own entry; a changed key at the entry that lost its value,
    /// or earlier where it took another one's place.
    private func expectRightIndex(
        _ failure: AuditFailure, of row: RawTransaction.Row, _ edit: RawTransaction.Row,
        in table: Table, count: Int
    ) {
        guard row.key == edit.key else { return }
        let number = row.key.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        switch table {
        case LogTables.leaves: #expect(failure.entryIndex == number)
        case LogTables.treeHeads: #expect(failure.entryIndex + 1 == number)
        case LogTables.state: #expect(failure.entryIndex == UInt64(count))
        default: #expect(failure.entryIndex.isMultiple(of: 3))
        }
    }

    private func replace(
        _ old: RawTransaction.Row, by new: RawTransaction.Row, in table: Table
    ) throws {
        try store.environment.write { (transaction) throws(StorageError) in
            try transaction.delete(old.key, in: table)
            try transaction.put(new.value, in: table, key: new.key)
        }
    }
}

/// The log's tables as raw rows.
enum LogTables {
    static let leaves = Table(name: "logLeaves", index: 5)
    static let state = Table(name: "logState", index: 6)
    static let treeHeads = Table(name: "treeHeads", index: 7)
    static let evidence = Table(name: "evidence", index: 8)
    static let all = [leaves, state, treeHeads, evidence]

    static func number(_ value: UInt8) -> [UInt8] { [0, 0, 0, 0, 0, 0, 0, value] }
}

enum Edit {
    /// The row with one byte changed, mostly in the value; the new key is no other row's.
    static func random(
        _ row: RawTransaction.Row, in table: Table, using generator: inout SplitMix64
    ) -> RawTransaction.Row {
        let change = UInt8.random(in: 1...255, using: &generator)
        if Int.random(in: 0..<8, using: &generator) == 0 {
            var key = row.key
            // The upper half, so that the key does not become that of another row.
            key[Int.random(in: 0..<(key.count / 2), using: &generator)] ^= change
            return RawTransaction.Row(key: key, value: row.value)
        }
        var value = row.value
        value[Int.random(in: value.indices, using: &generator)] ^= change
        return RawTransaction.Row(key: row.key, value: value)
    }
}

/// A small seeded generator.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
