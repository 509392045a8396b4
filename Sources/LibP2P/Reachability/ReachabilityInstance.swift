/// Whether others can dial this node, from what peers say that saw it or tried it: words in,
/// a verdict out, no clock.
///
/// A peer's newest word counts, and only while it is connected. A peer can lie, so that nothing
/// follows from the verdict but what a node tells of itself: where many lie, it asks for relays that
/// it does not need, or for none.
public struct ReachabilityInstance: Sendable {
    /// What the words come to.
    public enum Verdict: String, Hashable, Sendable {
        /// Peers reach it.
        case `public`
        /// Peers tried and did not.
        case `private`
        /// No peer has said.
        case unknown
    }

    /// Peers that have to see the same address before it is told to others.
    public static let agreementCount = 2
    /// Peers that are asked to try; more would change little, and each costs a connection.
    public static let trialCountMax = 3
    /// Peers whose words are kept; more than a node has connections.
    public static let peerCountMax = 1_024

    private struct Word {
        var host: String?
        var reached: [Multiaddr] = []
        var hasFailed = false
    }

    private var words: [PeerID: Word] = [:]

    /// Makes an instance that has heard nothing.
    public init() {}

    /// A peer sees this node at an address; what counts is the host, as the port is that of the
    /// moment.
    public mutating func saw(_ peer: PeerID, _ address: Multiaddr?) {
        guard let host = address?.tcpEndpoint?.host else { return }
        change(peer) { $0.host = host }
    }

    /// A peer has tried addresses of this node.
    ///
    /// What it did not try says nothing.
    public mutating func tried(_ peer: PeerID, _ trials: [ReachabilityCheck.Trial]) {
        let reached = trials.filter { $0.outcome == .reached }.map(\.address)
        let hasFailed = trials.contains {
            [.notConnected, .otherPeer, .otherProgram].contains($0.outcome)
        }
        guard !reached.isEmpty || hasFailed else { return }
        change(peer) { word in
            word.reached = reached
            word.hasFailed = reached.isEmpty
        }
    }

    /// A peer has no connection left.
    public mutating func gone(_ peer: PeerID) {
        words[peer] = nil
    }

    private mutating func change(_ peer: PeerID, _ change: (inout Word) -> Void) {
        guard words[peer] != nil || words.count < Self.peerCountMax else { return }
        change(&words[peer, default: Word()])
    }

    /// What most peers say that have tried.
    public var verdict: Verdict {
        let reached = words.values.filter { !$0.reached.isEmpty }.count
        let failed = words.values.filter(\.hasFailed).count
        if reached == 0, failed == 0 { return .unknown }
        return reached >= failed ? .public : .private
    }

    /// Whether so many peers have tried that no further one has to.
    public var isDecided: Bool {
        words.values.filter { !$0.reached.isEmpty || $0.hasFailed }.count >= Self.trialCountMax
    }

    /// The hosts at which peers see this node, with how many do, the most seen first.
    public var seenHosts: [(host: String, peerCount: Int)] {
        Dictionary(grouping: words.values.compactMap(\.host), by: \.self)
            .map { (host: $0.key, peerCount: $0.value.count) }
            .sorted { ($1.peerCount, $0.host) < ($0.peerCount, $1.host) }
    }

    /// Addresses that enough peers have reached, ascending by their text.
    public var confirmedAddresses: [Multiaddr] {
        var counts: [Multiaddr: Int] = [:]
        for word in words.values {
            for address in Set(word.reached.map { $0.removingPeerID() }) {
                counts[address, default: 0] += 1
            }
        }
        return counts.filter { $0.value >= Self.agreementCount }.keys
            .sorted { $0.description < $1.description }
    }

    /// The addresses that a peer is to try: first those at the host at which it sees this node, of
    /// the told ones or made up from the bound ports, since it tries no other host.
    public func candidates(
        for peer: PeerID, told: [Multiaddr], bound: [Multiaddr]
    ) -> [Multiaddr] {
        let direct = told.filter { $0.tcpEndpoint != nil && !$0.isUnspecified }
        guard let host = words[peer]?.host else {
            return Array(direct.prefix(ReachabilityCheck.addressCountMax))
        }
        let there = direct.filter { $0.tcpEndpoint?.host == host }
        let guessed = Set(bound.compactMap(\.tcpEndpoint?.port)).sorted().compactMap { port in
            try? Multiaddr(tcpHost: host, port: port)
        }.filter { guess in !there.contains { $0.removingPeerID() == guess } }
        let others = direct.filter { $0.tcpEndpoint?.host != host }
        return Array((there + guessed + others).prefix(ReachabilityCheck.addressCountMax))
    }
}
