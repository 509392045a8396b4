public import Cryptography
internal import Federation
internal import Foundation
internal import GossipLog
internal import LibP2P
internal import Storage

/// Checks everything that a node's home claims: its log, its chain, and the sums of its rounds.
///
/// 1. The log: every leaf is under a signed tree head, every piece of evidence has the hash that
///    its leaf says, every announcement the signature of its member.
/// 2. The chain: every certified entry follows from the one before, with a quorum's signatures; the
///    log and the table of entries hold the same ones.
/// 3. The sums: where the updates of a round are still here, their exact sum and the adapter that
///    follows are computed again and compared with what was certified. The sum of a secure round is
///    opened again from what this node opened it from.
///
/// In a federation that gossips there is no chain: see ``GossipAudit``.
///
/// Needs no secret key and no network, and can run beside the node.
public enum NodeAudit {
    /// What an audit found.
    public struct Report: Sendable {
        /// Whether everything held.
        public var isOK: Bool { failure == nil }
        /// Log entries that were checked and hold.
        public internal(set) var entryCount: UInt64 = 0
        /// Whether the rounds are certified ones; else they are this node's own.
        public internal(set) var isCertified = true
        /// Rounds that were checked and hold.
        public internal(set) var roundCount: UInt64 = 0
        /// The rounds whose sums were to be computed again; none in gossip.
        public internal(set) var replays: [Replay] = []
        /// Rounds whose sum, or whose mean in gossip, was computed again.
        public internal(set) var sumCount = 0
        /// The first thing that does not hold; nil if everything does.
        public internal(set) var failure: Failure?
    }

    /// The first thing that does not hold.
    public struct Failure: Sendable {
        /// The index of the log entry, from 0.
        public let entryIndex: UInt64
        /// What is wrong with it.
        public let reason: String
    }

    /// A certified round whose sum was to be computed again.
    public struct Replay: Sendable {
        /// The round.
        public let round: UInt64
        /// The digest of the sum that was certified.
        public let sumDigest: Digest
        /// The digest of the adapter that was certified.
        public let adapterDigest: Digest
        /// The updates that the sum is of, and how many of them are still here.
        public let updateCount: Int
        /// What is not here any more and would be needed; empty where sum and adapter were computed
        /// and are the certified ones.
        public internal(set) var missing: [String]
    }

    /// Audits a home.
    ///
    /// With `replays`, sums are computed again from the updates that are still stored.
    /// - Throws: ``NodeError`` when the home can't be read at all; what is wrong with what was read
    ///   is in the report.
    public static func audit(
        home: NodeHome, replays: Bool = true
    ) async throws(NodeError) -> Report {
        let log = try await StoredLog.open(home: home)
        let (store, manifest, key) = (log.store, log.manifest, log.key)
        guard !manifest.manifest.exchange.kind.isGossip else {
            return try await GossipAudit.audit(
                store: store, manifest: manifest, member: log.member, key: key)
        }
        let chain = ChainCheck(manifest: manifest)
        let outcome = try await store.read { (transaction) throws(StorageError) in
            try transaction.auditLog(key: key) { index, leaf, evidence in
                chain.check(leaf, evidence: evidence, at: index)
            }
        }
        var report = Report()
        switch outcome {
        case .success(let found): report.entryCount = found.entryCount
        case .failure(let failure):
            report.entryCount = failure.entryIndex
            report.failure = Failure(
                entryIndex: failure.entryIndex,
                reason: chain.claims.reason(at: failure.entryIndex) ?? "\(failure.reason)"
            )
        }
        report.roundCount = chain.state.completedRoundCount
        guard report.isOK else { return report }
        report.failure = try await compare(chain, with: store)
        guard report.isOK, replays else { return report }
        for logged in chain.entries where logged.entry.proposal.round > 0 {
            let entry = logged.entry
            var replay = Replay(
                round: entry.proposal.round, sumDigest: entry.result.sumDigest,
                adapterDigest: entry.result.adapterDigest,
                updateCount: entry.proposal.participatingMembers.count, missing: [])
            let check = SumCheck(
                manifest: manifest, entry: entry, store: store,
                transcript: chain.transcripts[entry.proposal.round])
            switch try await check.run() {
            case .holds: report.sumCount += 1
            case .incomplete(let missing): replay.missing = missing
            case .fails(let reason):
                report.failure = Failure(entryIndex: logged.index, reason: reason)
                return report
            }
            report.replays.append(replay)
        }
        return report
    }

    /// The table of entries must hold the very entries of the log.
    private static func compare(
        _ chain: ChainCheck, with store: NodeStore
    ) async throws(NodeError) -> Failure? {
        let entries = try await store.entries()
        for (logged, entry) in zip(chain.entries, entries)
        where logged.entry.digest != entry.digest {
            return Failure(
                entryIndex: logged.index,
                reason: "the stored entry of height \(entry.height) is not the logged one"
            )
        }
        guard entries.count == chain.entries.count else {
            let last = chain.entries.last?.index ?? 0
            return Failure(
                entryIndex: last,
                reason: "\(entries.count) entries are stored and \(chain.entries.count) logged"
            )
        }
        return nil
    }
}

/// Follows the chain through the log.
private final class ChainCheck: @unchecked Sendable {
    // Only the store's thread changes it, inside of one transaction; the audit reads afterwards.
    private(set) var state: ChainState
    private(set) var entries: [(index: UInt64, entry: CertifiedEntry)] = []
    private(set) var claims = AuditedClaims()
    /// What the log says that each secure sum was opened from.
    private(set) var transcripts: [UInt64: ObjectID] = [:]

    init(manifest: SignedManifest) {
        state = ChainState(genesis: manifest)
    }

    func check(_ leaf: LogLeaf, evidence: [UInt8]?, at index: UInt64) -> AuditFailure? {
        do {
            let record = try AuditedRecord.read(
                leaf, evidence: evidence, manifest: state.manifestDigest)
            if case .secureSumOpened(let round, _, let transcript) = record {
                transcripts[round] = transcript
            }
            guard case .certified = record, let evidence else { return nil }
            let entry = try CertifiedEntry(bytes: evidence)
            try state.verify(entry)
            state.apply(entry)
            entries.append((index, entry))
            return nil
        } catch let refusal as AuditedClaims.Refusal {
            return claims.refuse(index, refusal.reason)
        } catch let error as RejectReason {
            return claims.refuse(index, error.sentence)
        } catch {
            return claims.refuse(index, "it can't be read: \(error)")
        }
    }
}
