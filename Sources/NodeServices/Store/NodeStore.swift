internal import Cryptography
internal import Federation
internal import Foundation
internal import GossipLog
internal import LibP2P
internal import Storage

/// The node's two stores, on a thread of their own.
///
/// Every call is one transaction. What a node must not forget is on the disk when a call returns.
actor NodeStore {
    private nonisolated let executor = SerialThreadExecutor(name: "store")
    nonisolated let models: ModelStore
    private let state: StateStore
    private var logSigner: NoteSigner?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// Opens the stores below a home; with access to write, makes them.
    ///
    /// - Throws: ``NodeError`` with code `storage` or `notFound`.
    init(home: NodeHome, access: StorageAccess) throws(NodeError) {
        do {
            models = try Self.open { () throws(StorageError) in
                try ModelStore(folder: home.models.path, access: access)
            }
            state = try Self.open { () throws(StorageError) in
                try StateStore(folder: home.state.path, access: access)
            }
        } catch {
            throw NodeError(storage: error)
        }
    }

    /// Runs the opening, which the stores allow only outside of asynchronous functions.
    private static func open<Store>(
        _ body: () throws(StorageError) -> Store
    ) throws(StorageError) -> Store {
        try body()
    }

    // MARK: - Settings

    /// The federation's manifest; nil before `init` or a join.
    func manifest() throws(NodeError) -> SignedManifest? {
        guard let bytes = try setting(SettingKey.manifest) else { return nil }
        do {
            return try SignedManifest(bytes: bytes)
        } catch {
            throw NodeError(.storage, "The stored manifest doesn't hold.", cause: error)
        }
    }

    /// Stores the manifest for good.
    func setManifest(_ manifest: SignedManifest) throws(NodeError) {
        try setSetting(SettingKey.manifest, manifest.bytes)
    }

    /// A setting's bytes.
    func setting(_ key: String) throws(NodeError) -> [UInt8]? {
        try read { (transaction) throws(StorageError) in try transaction.setting(key) }
    }

    /// Sets a setting, durably.
    func setSetting(_ key: String, _ bytes: [UInt8]) throws(NodeError) {
        try write { (transaction) throws(StorageError) in try transaction.putSetting(key, bytes) }
    }

    // MARK: - The protocol's state

    /// Who signs the log's tree heads; before anything is appended.
    func setLogSigner(_ signer: NoteSigner) {
        logSigner = signer
    }

    /// Everything that an instance of the protocol starts from.
    func restoredState(manifest: SignedManifest) throws(NodeError) -> RestoredState {
        try read { (transaction) throws(StorageError) in
            RestoredState(
                manifest: manifest, entries: try transaction.entries().map(\.bytes),
                records: try transaction.recordsByKey)
        }
    }

    /// The records of an instance without the chain.
    private var records: [String: [UInt8]] {
        get throws(NodeError) {
            try read { (transaction) throws(StorageError) in try transaction.recordsByKey }
        }
    }

    /// Where a node stands that has an adapter of its own; nil in a federation that certifies.
    func gossipSnapshot(manifest: SignedManifest) throws(NodeError) -> GossipSnapshot? {
        guard manifest.manifest.exchange.kind.isGossip else { return nil }
        let records = try records
        do {
            return try GossipSnapshot(manifest: manifest, records: records)
        } catch {
            throw NodeError(.storage, "The stored state doesn't hold: \(error)")
        }
    }

    /// The certificates and revocations that this node knows.
    func admissionRegistry(
        manifest: SignedManifest
    ) throws(NodeError) -> AdmissionRegistry {
        let records = try records
        do {
            return try AdmissionRegistry(manifest: manifest, records: records)
        } catch {
            throw NodeError(.storage, "The stored memberships don't hold: \(error)")
        }
    }

    /// The certified entries from a height on, in order of their heights.
    func entries(from height: UInt64 = 0) throws(NodeError) -> [CertifiedEntry] {
        let rows = try read { (transaction) throws(StorageError) in
            try transaction.entries(from: height)
        }
        var entries: [CertifiedEntry] = []
        for row in rows {
            do {
                entries.append(try CertifiedEntry(bytes: row.bytes))
            } catch {
                throw NodeError(
                    .verificationFailed, "The stored entry \(row.height) can't be read.",
                    cause: error
                )
            }
        }
        return entries
    }

    /// The certified entries of the greatest heights, in order of their heights.
    func newestEntries(_ count: Int) throws(NodeError) -> [CertifiedEntry] {
        let last = try read { (transaction) throws(StorageError) in
            try transaction.lastEntryHeight() ?? 0
        }
        return try entries(from: last - min(last, UInt64(max(count, 1) - 1)))
    }

    /// The certified entries from a height on for a peer that lacks them, as many as one message
    /// holds; nil where there is none.
    func chainMessage(from height: UInt64) throws(NodeError) -> [UInt8]? {
        try read { (transaction) throws(StorageError) in
            var batch = ChainBatch()
            var next = height
            while let entry = try transaction.entry(height: next), batch.add(entry) { next += 1 }
            return batch.message
        }
    }

    /// Carries out durable directives in one transaction.
    func carryOut(_ directives: [Directive]) throws(NodeError) {
        guard let logSigner else { preconditionFailure("the log has no signer yet") }
        let time = UInt64(max(Date().timeIntervalSince1970, 0) * 1000)
        var entries: [LogEntry] = []
        for case .appendLog(let record) in directives {
            do {
                entries.append(
                    try LogEntry(
                        kind: record.leafKind, timeMilliseconds: time, payload: record.payload,
                        evidence: record.evidence.isEmpty ? nil : record.evidence
                    )
                )
            } catch {
                preconditionFailure("a log record of \(record.payload.count) bytes: \(error)")
            }
        }
        try write { (transaction) throws(StorageError) in
            for directive in directives {
                switch directive {
                case .persist(let key, let value): try transaction.putRecord(key, value)
                case .forget(let keys):
                    for key in keys { try transaction.deleteRecord(key) }
                case .persistEntry(let height, let bytes):
                    try transaction.putEntry(height: height, bytes)
                default: break
                }
            }
            try transaction.appendLog(entries, signer: logSigner)
        }
    }

    // MARK: - Objects

    /// Stores an object's bytes under their content address.
    @discardableResult
    func storeObject(_ bytes: [UInt8]) throws(NodeError) -> Digest {
        let manifest: ObjectManifest
        do {
            manifest = try ObjectManifest(cutting: bytes)
        } catch {
            throw NodeError(
                .storage, "An object of \(bytes.count) bytes can't be stored.", cause: error)
        }
        try write { (transaction) throws(StorageError) in
            _ = try transaction.putObject(
                bytes, manifest: manifest.bytes, id: manifest.objectID.bytes
            )
        }
        return manifest.objectID
    }

    /// The bytes of an object; nil unless all of it is here.
    func object(_ id: Digest) throws(NodeError) -> [UInt8]? {
        try read { (transaction) throws(StorageError) in
            guard let manifest = try transaction.objectManifest(id.bytes),
                let parsed = try? ObjectManifest(bytes: manifest, byteCountMax: .max)
            else { return nil }
            return try transaction.object(id.bytes, chunkCount: UInt32(parsed.chunkCount))
        }
    }

    /// The bytes of an object that must be here.
    ///
    /// - Throws: ``NodeError`` with code `notFound`.
    func requiredObject(_ id: Digest) throws(NodeError) -> [UInt8] {
        guard let bytes = try object(id) else {
            throw NodeError(.notFound, "The object \(id) is not in the store.")
        }
        return bytes
    }

    /// Removes objects that nobody will ask for any more.
    func deleteObjects(_ ids: [Digest]) throws(NodeError) {
        guard !ids.isEmpty else { return }
        try write { (transaction) throws(StorageError) in
            for id in ids { try transaction.deleteObject(id.bytes) }
        }
    }

    /// The objects that are here, whole or in part.
    func objectIDs() throws(NodeError) -> [Digest] {
        try read { (transaction) throws(StorageError) in try transaction.objectIDs() }
            .compactMap(Digest.init(bytes:))
    }

    // MARK: - Transactions

    /// A chunk of an object; nil if it is not here.
    func readChunk(_ id: Digest, _ index: Int) throws(StorageError) -> [UInt8]? {
        try state.read { (transaction) throws(StorageError) in
            try transaction.chunk(of: id.bytes, index: UInt32(index))
        }
    }

    /// Runs a reading transaction.
    func read<Result: Sendable>(
        _ body: (borrowing ReadTransaction) throws(StorageError) -> Result
    ) throws(NodeError) -> Result {
        do {
            return try state.read(body)
        } catch {
            throw NodeError(storage: error)
        }
    }

    /// Runs a writing transaction.
    func write<Result: Sendable>(
        _ body: (borrowing WriteTransaction) throws(StorageError) -> Result
    ) throws(NodeError) -> Result {
        do {
            return try state.write(body)
        } catch {
            throw NodeError(storage: error)
        }
    }
}

/// The keys of settings.
enum SettingKey {
    /// The signed manifest.
    static let manifest = "manifest"
    /// The public key of this node, for whoever audits the home without its secret key.
    static let identity = "identity"
    /// The peers that were good to know, over restarts.
    static let passiveView = "passive-view"
    /// Numbers of this node's announcements up to this may have been used.
    static let gossipFloor = "gossip-floor"
    /// What begins the key of an author's last seen number.
    static let authorFloor = "gossip-author/"
    /// What begins the key of a member's newest tree head.
    static let memberTreeHead = "tree-head/"
    /// What begins the key of the proof that a member's log forks.
    static let logFork = "log-fork/"
}

extension LogRecord {
    /// The number under which the log files this record.
    var leafKind: LeafKind {
        switch self {
        case .joined, .departed, .admitted, .revoked, .inviteOverused: .membership
        case .updateAnnounced: .updateAnnounced
        case .updateReceived: .updateReceived
        case .updateRefused: .updateRefused
        case .updateLate: .updateLate
        case .aggregated: .aggregated
        case .mixed: .mixed
        case .certified: .result
        case .equivocation, .logFork: .equivocation
        case .peerRefused: .note
        case .secureConviction: .evidence
        case .secureSumOpened: .certificate
        }
    }
}

extension StateReading where Self: ~Copyable {
    fileprivate var recordsByKey: [String: [UInt8]] {
        get throws(StorageError) {
            Dictionary(uniqueKeysWithValues: try records().map { ($0.key, $0.bytes) })
        }
    }
}
