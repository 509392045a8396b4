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
        let reading = GossipLogReading(manifest: manifest, member: member)
        let outcome = try await store.read { (transaction) throws(StorageError) in
            try transaction.auditLog(key: key) { index, leaf, evidence in
                reading.check(leaf, evidence: evidence, at: index)
            }
        }
        var report = NodeAudit.Report()
        report.isCertified = false
        switch outcome {
        case .success(let found): report.entryCount = found.entryCount
        case .failure(let failure):
            report.entryCount = failure.entryIndex
            report.failure = NodeAudit.Failure(
                entryIndex: failure.entryIndex,
                reason: reading.claims.reason(at: failure.entryIndex) ?? "\(failure.reason)")
        }
        let history = reading.history
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

/// Reads a log into a ``GossipHistory``.
private final class GossipLogReading: @unchecked Sendable {
    // Only the store's thread changes it, inside of one transaction; the audit reads afterwards.
    private(set) var history: GossipHistory
    private(set) var claims = AuditedClaims()
    private let manifestDigest: Digest

    init(manifest: SignedManifest, member: PublicKey) {
        manifestDigest = manifest.digest
        history = GossipHistory(manifest: manifest.manifest, member: member)
    }

    func check(_ leaf: LogLeaf, evidence: [UInt8]?, at index: UInt64) -> AuditFailure? {
        do {
            let record = try AuditedRecord.read(leaf, evidence: evidence, manifest: manifestDigest)
            try history.take(record, at: index)
            return nil
        } catch let refusal as AuditedClaims.Refusal {
            return claims.refuse(index, refusal.reason)
        } catch let violation as GossipHistory.Violation {
            return claims.refuse(index, violation.sentence)
        } catch {
            return claims.refuse(index, "it can't be read: \(error)")
        }
    }
}

extension GossipHistory.Violation {
    fileprivate var sentence: String {
        switch self {
        case .roundAnnouncedBefore(let round): "round \(round) was announced before"
        case .otherStart: "it starts from another adapter than the last mean's"
        case .otherNode: "it is another node's mean"
        case .roundFell(let round, let earlier): "round \(round) comes after round \(earlier)"
        case .otherRound: "the own state in it is of another round than announced"
        case .otherOwnState: "the own state in it is not the last mean's"
        case .stateNotReceived:
            "a state in it did not come in and pass the checks, or was in a mean before"
        }
    }
}
