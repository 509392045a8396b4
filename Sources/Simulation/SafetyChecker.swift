internal import Cryptography
internal import Federation

/// Watches everything that nodes say and store, and throws at the first wrong.
struct SafetyChecker {
    private var statements: [WireInspection.Statement.Place: Digest] = [:]
    private var commits: [UInt64: [CommitPlace: Set<PublicKey>]] = [:]
    private var decided: [UInt64: Digest] = [:]
    private(set) var entries: [UInt64: CertifiedEntry] = [:]
    private var adapters: [UInt64: ObjectID] = [:]
    private var frames: [[UInt8]: Digest] = [:]
    private var openings: [[UInt8]: [UInt64]] = [:]

    private struct CommitPlace: Hashable {
        let view: UInt64
        let proposal: Digest
    }

    /// Takes a message that a node sends, whether or not it will arrive.
    mutating func sent(
        _ bytes: [UInt8], node: Int, key: PublicKey, quorum: Int
    ) throws(SimulationFailure) {
        guard let statement = WireInspection.statement(in: bytes, from: key) else { return }
        let place = statement.place
        if let earlier = statements.updateValue(statement.digest, forKey: place),
            earlier != statement.digest
        {
            throw .doubleStatement(
                node: node, subject: place.subject.rawValue, height: place.height,
                view: place.view)
        }
        guard place.subject == .commit else { return }
        let commitPlace = CommitPlace(view: place.view, proposal: statement.digest)
        commits[place.height, default: [:]][commitPlace, default: []].insert(key)
        let count = commits[place.height]?[commitPlace]?.count ?? 0
        guard count >= quorum else { return }
        if let earlier = decided.updateValue(statement.digest, forKey: place.height),
            earlier != statement.digest
        {
            throw .conflictingDecisions(height: place.height)
        }
    }

    /// Takes a frame of a secure round that a node sends, its own or another's.
    mutating func sentFrame(
        _ bytes: [UInt8], node: Int, keys: [PublicKey]
    ) throws(SimulationFailure) {
        if let statement = SecureInspection.statement(in: bytes, signers: keys),
            let earlier = frames.updateValue(statement.digest, forKey: statement.place),
            earlier != statement.digest
        {
            throw .doubleFrame(node: node, kind: SecureInspection.kind(of: bytes))
        }
        if let opened = SecureInspection.revealed(in: bytes),
            let earlier = openings.updateValue(opened.sets, forKey: opened.group),
            earlier != opened.sets
        {
            throw .conflictingOpenings(node: node)
        }
    }

    /// Takes an entry that a node stores.
    mutating func stored(_ bytes: [UInt8], node: Int) throws(SimulationFailure) {
        let entry: CertifiedEntry
        do {
            entry = try CertifiedEntry(bytes: bytes)
        } catch {
            throw .unreadableEntry(node: node)
        }
        if let earlier = entries[entry.height], earlier.digest != entry.digest {
            throw .conflictingEntries(height: entry.height)
        }
        if let decision = decided[entry.height], decision != entry.result.proposalDigest {
            throw .conflictingDecisions(height: entry.height)
        }
        entries[entry.height] = entry
    }

    /// Takes an adoption.
    mutating func adopted(_ adapter: ObjectID, height: UInt64) throws(SimulationFailure) {
        if let earlier = adapters.updateValue(adapter, forKey: height), earlier != adapter {
            throw .conflictingAdapters(height: height)
        }
        if let entry = entries[height], entry.result.adapterDigest != adapter {
            throw .conflictingAdapters(height: height)
        }
    }

    func check(bounds instance: PeerInstance, node: Int) throws(SimulationFailure) {
        for size in instance.boundedSizes where size.count > size.bound {
            throw .boundExceeded(node: node, name: size.name, count: size.count)
        }
    }

    /// Checks at the end that a node's log holds every entry that the node went through.
    func check(log: [LogRecord], entries: [[UInt8]], node: Int) throws(SimulationFailure) {
        var heights: Set<UInt64> = []
        for case .certified(let entry) in log { heights.insert(entry.height) }
        for height in 1...UInt64(max(1, entries.count)) where !entries.isEmpty {
            guard heights.contains(height) else {
                throw .logIncomplete(node: node, height: height)
            }
        }
    }
}
