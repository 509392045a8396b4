/// Peers that a node knows and may dial: at most 256, each with its signed record and how dialling
/// it went.
///
/// Full, it gives up the peer whose last success is the longest ago; one that never succeeded goes
/// before all others, and among those the one that was seen the longest ago. So strangers replace
/// strangers, never a peer that has worked.
///
/// Source: docs/protocol/transfer.md, section on peer exchange.
public struct PassiveView: Hashable, Sendable {
    /// The greatest number of peers.
    public static let countMax = 256

    /// What is known of one peer.
    public struct Entry: Hashable, Sendable {
        /// The newest record.
        public internal(set) var record: SignedPeerRecord
        /// When a record or a connection last told of the peer, in Unix milliseconds.
        public internal(set) var lastSeenMilliseconds: UInt64
        /// When a connection last came about, in Unix milliseconds; nil if none has.
        public internal(set) var lastSuccessMilliseconds: UInt64?
        /// How often a connection came about.
        public internal(set) var successCount: UInt32
        /// How often dialling failed.
        public internal(set) var failureCount: UInt32
    }

    /// What became of a record.
    public enum Insertion: Hashable, Sendable {
        /// The peer is new; this one was given up for it, if the view was full.
        case added(evicted: PeerID?)
        /// The record replaces an older one.
        case updated
        /// A record with this or a higher sequence number is held.
        case stale
        /// The record names no address to dial.
        case withoutAddress
    }

    var entries: [PeerID: Entry] = [:]

    /// Makes a view of no peers.
    public init() {}

    /// The number of peers.
    public var count: Int { entries.count }

    /// The peers, ascending.
    public var peers: [PeerID] { entries.keys.sorted() }

    /// What is known of a peer.
    public subscript(peer: PeerID) -> Entry? { entries[peer] }

    /// Takes a record that was heard of at that time.
    @discardableResult
    public mutating func insert(
        _ record: SignedPeerRecord, atMilliseconds now: UInt64
    ) -> Insertion {
        let peer = record.peerID
        if var entry = entries[peer] {
            guard record.record.isNewer(than: entry.record.record) else { return .stale }
            guard !record.dialableAddresses.isEmpty else { return .withoutAddress }
            entry.record = record
            entry.lastSeenMilliseconds = now
            entries[peer] = entry
            return .updated
        }
        guard !record.dialableAddresses.isEmpty else { return .withoutAddress }
        let evicted = entries.count >= Self.countMax ? leastUseful : nil
        if let evicted { entries[evicted] = nil }
        entries[peer] = Entry(
            record: record, lastSeenMilliseconds: now, lastSuccessMilliseconds: nil,
            successCount: 0, failureCount: 0)
        return .added(evicted: evicted)
    }

    /// Notes that a connection with the peer came about; nothing if it is not in the view.
    public mutating func noteSuccess(of peer: PeerID, atMilliseconds now: UInt64) {
        guard var entry = entries[peer] else { return }
        entry.lastSeenMilliseconds = now
        entry.lastSuccessMilliseconds = now
        entry.successCount = entry.successCount.addingReportingOverflow(1).partialValue
        entries[peer] = entry
    }

    /// Notes that dialling the peer failed; nothing if it is not in the view.
    public mutating func noteFailure(of peer: PeerID) {
        guard var entry = entries[peer] else { return }
        entry.failureCount = entry.failureCount.addingReportingOverflow(1).partialValue
        entries[peer] = entry
    }

    /// Forgets a peer.
    public mutating func remove(_ peer: PeerID) {
        entries[peer] = nil
    }

    /// The records to tell a peer of: random ones, without the peer's own.
    public func sample(
        count: Int, excluding peer: PeerID, using generator: inout some RandomNumberGenerator
    ) -> [[UInt8]] {
        peers.filter { $0 != peer }.shuffled(using: &generator).prefix(count)
            .compactMap { entries[$0]?.record.envelope }
    }

    private var leastUseful: PeerID? {
        func rank(_ entry: Entry) -> (UInt64, UInt64) {
            (entry.lastSuccessMilliseconds ?? 0, entry.lastSeenMilliseconds)
        }
        return entries.min { left, right in
            let (a, b) = (rank(left.value), rank(right.value))
            return a == b ? left.key < right.key : a < b
        }?.key
    }
}
