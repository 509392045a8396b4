internal import Cryptography
internal import Federation
internal import GossipLog
internal import Storage

/// Checks what the log of a node with an adapter of its own says of it.
///
/// 1. The log, as in ``NodeAudit``: signed tree heads, and evidence for every leaf.
/// 2. The rounds: each own announcement is of a later round than the one before and starts from the
///    outcome of the last mean; each mean is of states that were announced to this node by their
///    members and passed the inspector here, and its round does not fall.
/// 3. The present adapter is the outcome of the last mean.
/// 4. The means: where the states are still here, each is formed again and compared, and so is the
///    object that others got of the own state.
enum GossipAudit {
    static func audit(
        store: NodeStore, manifest: SignedManifest, member: PublicKey, key: NoteKey
    ) async throws(NodeError) -> NodeAudit.Report {
        let history = GossipHistory(manifest: manifest, member: member)
        let outcome = try await store.read { (transaction) throws(StorageError) in
            try transaction.auditLog(key: key) { index, leaf, evidence in
                history.check(leaf, evidence: evidence, at: index)
            }
        }
        var report = NodeAudit.Report()
        report.isCertified = false
        switch outcome {
        case .success(let found): report.entryCount = found.entryCount
        case .failure(let failure):
            report.entryCount = failure.entryIndex
            report.failure = NodeAudit.Failure(
                entryIndex: failure.entryIndex, reason: history.reason ?? "\(failure.reason)")
        }
        report.roundCount = history.round
        guard report.isOK else { return report }
        let snapshot = try await store.gossipSnapshot(manifest: manifest)
        if let snapshot, snapshot.adapterDigest != history.adapterDigest {
            report.failure = NodeAudit.Failure(
                entryIndex: history.means.last?.index ?? 0,
                reason: "the stored adapter is not the outcome of the last logged mean")
            return report
        }
        (report.sumCount, report.failure) = try await repeatMeans(
            history, manifest: manifest, store: store)
        return report
    }

    /// Forms the means again whose states are all still here.
    private static func repeatMeans(
        _ history: GossipHistory, manifest: SignedManifest, store: NodeStore
    ) async throws(NodeError) -> (count: Int, failure: NodeAudit.Failure?) {
        var count = 0
        for mean in history.means {
            let order = mean.record.order
            guard let own = try await store.object(order.ownState) else { continue }
            var inputs: [[UInt8]] = []
            for input in order.inputs {
                if let bytes = try await store.object(input.objectID) { inputs.append(bytes) }
            }
            guard inputs.count == order.inputs.count else { continue }
            if let reason = failure(of: mean, own: own, inputs: inputs, manifest) {
                return (count, NodeAudit.Failure(entryIndex: mean.index, reason: reason))
            }
            count += 1
        }
        return (count, nil)
    }

    private static func failure(
        of mean: GossipHistory.Mean, own: [UInt8], inputs: [[UInt8]], _ manifest: SignedManifest
    ) -> String? {
        let order = mean.record.order
        let round = order.newestRound
        guard ContentAddress.id(of: own) == order.ownState else {
            return "round \(round): the stored own state has other bytes than its address says"
        }
        do {
            let state = try AdapterStateCodec.decode(own)
            let layout = AdapterLayout(of: state)
            var states: [StateView] = []
            for (input, bytes) in zip(order.inputs, inputs) {
                guard ContentAddress.id(of: bytes) == input.objectID else {
                    return "round \(round): a stored state has other bytes than its address says"
                }
                states.append(
                    try StateView(
                        bytes, layout: layout,
                        byteCountMax: manifest.manifest.updateByteCountMax))
            }
            if let announced = mean.announced {
                let objects = [false, true].map { roundsDown in
                    ContentAddress.id(
                        of: StateObjectCodec.encode(
                            state, manifest: manifest, round: order.round, member: order.member,
                            roundsDown: roundsDown))
                }
                guard objects.contains(announced.objectID) else {
                    return "round \(round): others were sent another state than was averaged"
                }
            }
            let mix = StateMix(manifest: manifest.manifest, layout: layout)
            let parts = try mix.parts(of: order, own: state, inputs: states)
            // A node that had trained nothing and heard nothing went on with what it had.
            guard parts.contains(where: { $0.share > 0 }) else { return nil }
            let outcome = try mix.mean(of: parts, round: round)
            guard AdapterStateCodec.digest(of: outcome.state) == mean.record.adapterDigest else {
                return "round \(round): the mean of the states is not the logged one"
            }
            return nil
        } catch {
            return "round \(round): a stored state can't be averaged: \(error)"
        }
    }
}

/// Follows a node's own adapter through its log.
private final class GossipHistory: @unchecked Sendable {
    struct Mean {
        let index: UInt64
        let record: MixRecord
        /// What the node announced of the own state; nil in a catch-up.
        let announced: UpdateSummary?
    }

    // Only the store's thread changes it, inside of one transaction; the audit reads afterwards.
    private(set) var means: [Mean] = []
    private(set) var round: UInt64 = 0
    private(set) var adapterDigest: ObjectID
    private(set) var reason: String?
    private let manifestDigest: Digest
    private let member: PublicKey
    /// The own announcement that waits for its mean.
    private var announced: UpdateSummary?
    private var lastAnnouncedRound: UInt64 = 0
    /// The newest state of each member that passed the inspector.
    private var received: [PublicKey: UpdateSummary] = [:]

    init(manifest: SignedManifest, member: PublicKey) {
        manifestDigest = manifest.digest
        self.member = member
        adapterDigest = manifest.manifest.initialAdapterDigest
    }

    func check(_ leaf: LogLeaf, evidence: [UInt8]?, at index: UInt64) -> AuditFailure? {
        do {
            let record = try LogRecordReader.read(leaf.payload)
            guard LogRecordReader.isProven(record, by: evidence, manifest: manifestDigest) else {
                return fail(index, "its evidence does not prove what it says")
            }
            switch record {
            case .update(kind: 3, let summary) where summary.member == member:
                return announce(summary, index)
            case .update(kind: 4, let summary):
                received[summary.member] = summary
                return nil
            case .mixed(let record): return mix(record, index)
            default: return nil
            }
        } catch {
            return fail(index, "it can't be read: \(error)")
        }
    }

    private func announce(_ summary: UpdateSummary, _ index: UInt64) -> AuditFailure? {
        guard summary.round > lastAnnouncedRound, summary.round > round else {
            return fail(index, "round \(summary.round) was announced before")
        }
        guard summary.baseAdapterDigest == adapterDigest else {
            return fail(index, "it starts from another adapter than the last mean's")
        }
        lastAnnouncedRound = summary.round
        announced = summary
        return nil
    }

    private func mix(_ record: MixRecord, _ index: UInt64) -> AuditFailure? {
        let order = record.order
        guard order.member == member else { return fail(index, "it is another node's mean") }
        guard order.newestRound >= round else {
            return fail(index, "round \(order.newestRound) comes after round \(round)")
        }
        if let announced {
            guard announced.round == order.round else {
                return fail(index, "the own state in it is of another round than announced")
            }
        } else {
            guard order.ownState == adapterDigest else {
                return fail(index, "the own state in it is not the last mean's")
            }
        }
        for input in order.inputs where received[input.member] != input {
            return fail(index, "a state in it did not come in and pass the checks")
        }
        means.append(Mean(index: index, record: record, announced: announced))
        announced = nil
        round = max(round, order.newestRound)
        adapterDigest = record.adapterDigest
        return nil
    }

    private func fail(_ index: UInt64, _ text: String) -> AuditFailure {
        reason = text
        return AuditFailure(entryIndex: index, reason: .claimRefused)
    }
}
