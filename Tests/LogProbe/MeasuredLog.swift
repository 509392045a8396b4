internal import Cryptography
internal import GossipLog
internal import Storage

/// A log in a store, with what was proven about it.
struct MeasuredLog {
    let store: StateStore
    let signer: NoteSigner
    private var inclusions: [InclusionProof] = []
    private var consistencies: [ConsistencyProof] = []
    private var generator = SplitMix64(state: 7)

    struct Broken: Error {
        let what: String
    }

    init(store: StateStore, signer: NoteSigner) {
        self.store = store
        self.signer = signer
    }

    /// Appends notes of about 100 bytes; every eighth has evidence.
    mutating func append(_ count: Int, batchCount: Int) throws {
        for start in stride(from: 0, to: count, by: batchCount) {
            var entries: [LogEntry] = []
            for index in start..<min(start + batchCount, count) {
                var payload: [UInt8] = []
                for _ in 0..<96 { payload.append(UInt8.random(in: 0...255, using: &generator)) }
                entries.append(
                    try LogEntry(
                        kind: .note, timeMilliseconds: UInt64(index), payload: payload,
                        evidence: index.isMultiple(of: 8) ? payload + [1] : nil))
            }
            try store.write { (transaction) throws(StorageError) in
                try transaction.appendLog(entries, signer: signer)
            }
        }
    }

    private func size() throws -> UInt64 {
        try store.read { (transaction) throws(StorageError) in try transaction.logTree().size }
    }

    mutating func proveInclusions(_ count: Int) throws {
        let size = try size()
        let indices = (0..<count).map { _ in UInt64.random(in: 0..<size, using: &generator) }
        inclusions = try store.read { (transaction) throws(StorageError) in
            try transaction.inclusionProofs(of: indices, size: size)
        }
    }

    func verifyInclusions() throws {
        let proofs = inclusions
        let leaves = try store.read { (transaction) throws(StorageError) in
            var leaves: [[UInt8]] = []
            for proof in proofs { leaves.append(try transaction.logLeaf(proof.index) ?? []) }
            return (tree: try transaction.logTree(), leaves: leaves)
        }
        let root = leaves.tree.root
        for (proof, leaf) in zip(proofs, leaves.leaves) {
            try proof.verify(leafHash: MerkleTree.leafHash(leaf), root: root)
        }
    }

    mutating func proveConsistencies(_ count: Int) throws {
        let size = try size()
        let sizes = (0..<count).map { _ in UInt64.random(in: 0...size, using: &generator) }
        consistencies = try store.read { (transaction) throws(StorageError) in
            var proofs: [ConsistencyProof] = []
            for older in sizes {
                proofs.append(try transaction.consistencyProof(from: older, to: size))
            }
            return proofs
        }
    }

    func verifyConsistencies() throws {
        let proofs = consistencies
        let (heads, root) = try store.read { (transaction) throws(StorageError) in
            var heads: [[UInt8]?] = []
            for proof in proofs { heads.append(try transaction.treeHead(size: proof.olderSize)) }
            return (heads, try transaction.logTree().root)
        }
        for (proof, head) in zip(proofs, heads) {
            let older =
                try head.map { try SignedTreeHead(bytes: $0, key: signer.key).head.root }
                ?? MerkleTree().root
            try proof.verify(olderRoot: older, newerRoot: root)
        }
    }

    func audit() throws {
        let outcome = try store.read { (transaction) throws(StorageError) in
            try transaction.auditLog(key: signer.key)
        }
        _ = try outcome.get()
    }
}

// MARK: - Edits

extension MeasuredLog {
    /// Where single bytes are changed.
    private enum Place: CaseIterable {
        case leaf
        case treeHead
        case evidence
        case tile
    }

    /// The table, the key of a row, and the entry that an audit must name for a byte of it.
    private struct Target {
        let table: Table
        let key: [UInt8]
        let entry: (_ offset: Int) -> UInt64
    }

    /// How many entries a pass covers between two copies of it.
    private static let passEntryCount: UInt64 = 4_096

    /// Changes one byte at a time, anywhere in the log's tables, and returns how many were named
    /// with the right entry.
    ///
    /// Each audit goes on from a copy of a pass over the sound entries before, since what those
    /// come to does not depend on the edit.
    mutating func findEdits(_ count: Int) throws -> Int {
        let size = try size()
        let passes = try passes(size: size)
        var found = 0
        for number in 0..<count {
            let place = Place.allCases[number % Place.allCases.count]
            guard let target = try target(place, size: size) else {
                throw Broken(what: "no row of \(place) in a log of \(size)")
            }
            let row = try store.read { (transaction) throws(StorageError) in
                try transaction.raw.value(in: target.table, key: target.key)
            }
            guard var bytes = row, !bytes.isEmpty else { throw Broken(what: "\(place)") }
            let sound = bytes
            let offset = Int.random(in: bytes.indices, using: &generator)
            bytes[offset] ^= UInt8.random(in: 1...255, using: &generator)
            try put(bytes, at: target)
            let expected = target.entry(offset)
            let pass = passes[Int(expected / Self.passEntryCount)]
            let failure = try self.failure(from: pass)
            if failure?.entryIndex == expected {
                found += 1
            } else {
                print(
                    "edit \(number) of \(place): byte \(offset) of entry \(expected), "
                        + "named \(failure.map { "\($0)" } ?? "nothing")")
            }
            try put(sound, at: target)
        }
        try audit()
        return found
    }

    /// Copies of a pass over the sound log, one every ``passEntryCount`` entries.
    private func passes(size: UInt64) throws -> [LogAudit] {
        try store.read { (transaction) throws(StorageError) in
            var pass = LogAudit(key: signer.key)
            var passes = [pass]
            while pass.index < size {
                let end = pass.index + Self.passEntryCount
                _ = try pass.run(over: transaction.raw, to: end)
                guard pass.index == end else { break }
                passes.append(pass)
            }
            return passes
        }
    }

    private func failure(from pass: LogAudit) throws -> AuditFailure? {
        try store.read { (transaction) throws(StorageError) in
            var pass = pass
            if let failure = try pass.run(over: transaction.raw) { return failure }
            guard case .failure(let failure) = try pass.finish(over: transaction.raw) else {
                return nil
            }
            return failure
        }
    }

    private mutating func target(_ place: Place, size: UInt64) throws -> Target? {
        func key(_ number: UInt64) -> [UInt8] {
            (0..<8).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        }
        let index = UInt64.random(in: 0..<size, using: &generator)
        switch place {
        case .leaf:
            return Target(table: LogTables.leaves, key: key(index)) { _ in index }
        case .treeHead:
            return Target(table: LogTables.treeHeads, key: key(index + 1)) { _ in index }
        case .evidence:
            let entry = index / 8 * 8
            let leaf = try store.read { (transaction) throws(StorageError) in
                try transaction.logLeaf(entry)
            }
            guard let hash = try leaf.flatMap({ try LogLeaf(bytes: $0).evidenceKey }) else {
                return nil
            }
            return Target(table: LogTables.evidence, key: hash) { _ in entry }
        case .tile:
            guard size >= LogTile.width else { return nil }
            let tile = UInt64.random(in: 0..<(size / LogTile.width), using: &generator)
            return Target(table: LogTables.tiles, key: [0] + key(tile)) {
                tile * LogTile.width + UInt64($0 / Digest.byteCount)
            }
        }
    }

    private func put(_ bytes: [UInt8], at target: Target) throws {
        try store.environment.write { (transaction) throws(StorageError) in
            try transaction.put(bytes, in: target.table, key: target.key)
        }
    }
}

/// The log's tables as raw rows.
private enum LogTables {
    static let leaves = Table(name: "logLeaves", index: 5)
    static let treeHeads = Table(name: "treeHeads", index: 7)
    static let evidence = Table(name: "evidence", index: 8)
    static let tiles = Table(name: "logTiles", index: 11)
}

/// A small seeded generator.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
