internal import Foundation
internal import LibP2P
internal import Transports

/// What a running node says of its network in `network.json`, for commands beside it.
public struct NetworkSnapshot: Codable, Sendable {
    /// One connection.
    public struct Connection: Codable, Sendable {
        /// The other side's peer id.
        public var peer: String
        /// Its end of the socket.
        public var address: String
        /// Whether this node dialled.
        public var isDialer: Bool
        /// The relay that it goes through; nil for none.
        public var relay: String?
        /// How long it has been there.
        public var seconds: Double
        /// What the peer calls its program.
        public var agent: String?
        /// The streams with the peer.
        public var streamCount: Int
        /// The bytes that are promised to the peer or held for it.
        public var heldByteCount: Int
        /// The bytes sent to the peer.
        public var sentByteCount: UInt64
        /// The bytes received from the peer.
        public var receivedByteCount: UInt64
    }

    /// The process that wrote it.
    public var processID: Int32
    /// What tells the process from another with the same key.
    public var instance: String
    /// The node.
    public var peerID: String
    /// Where it is bound, each with `/p2p` and the node's id: its join lines.
    public var listening: [String]
    /// What it tells others instead; empty where it tells the bound ones.
    public var advertised: [String]
    /// Where peers see the node, and how many of them do; the address that most see first.
    public var observed: [String]
    /// How many peers see the node at each of these addresses.
    public var observedCounts: [Int]
    /// `public`, `private` or `unknown`: what peers say that tried to dial the node.
    public var reachability: String
    /// All addresses that it tells others, those through relays among them, each with its id.
    public var told: [String]
    /// The peers that are reachable through the node.
    public var relayedPeers: [String]
    /// The circuits that go through the node.
    public var relayedCircuitCount: Int
    /// The connections.
    public var connections: [Connection]
    /// The streams of all connections.
    public var streamCount: Int
    /// The bytes that are promised to peers or held for them.
    public var heldByteCount: Int
    /// The bytes sent on all sockets.
    public var sentByteCount: UInt64
    /// The bytes received on all sockets.
    public var receivedByteCount: UInt64
    /// The greatest height of which a member has said by gossip that it holds the adapter.
    public var announcedHeight: UInt64
    /// Announcements of others that were taken.
    public var takenAnnouncementCount: Int
    /// Announcements of others that were not.
    public var refusedAnnouncementCount: Int
    /// The sizes of the members' logs by the newest tree heads that they have signed.
    public var logSizes: [String: UInt64]

    /// The addresses through relays at which the node is reachable.
    public var circuits: [String] { told.filter { $0.contains("/p2p-circuit") } }

    init(
        swarm: Swarm, announcements: AnnouncementService, advertised: [String],
        board: ReachabilityBoard
    ) {
        let snapshot = swarm.snapshot()
        processID = ProcessInfo.processInfo.processIdentifier
        instance = NodeInstance.own
        peerID = swarm.peerID.description
        listening = swarm.listenAddresses.map(\.description)
        self.advertised = advertised
        let seen = board.seenHosts
        observed = seen.map(\.host)
        observedCounts = seen.map(\.peerCount)
        reachability = board.verdict.rawValue
        told = swarm.toldAddresses.map(\.description)
        relayedPeers = swarm.relayedPeers.map(\.description)
        relayedCircuitCount = swarm.relayedCircuitCount
        connections = snapshot.connections.map { connection in
            Connection(
                peer: connection.peer.description, address: connection.address.description,
                isDialer: connection.isDialer, relay: connection.relay?.description,
                seconds: connection.age / .seconds(1),
                agent: connection.agentVersion, streamCount: connection.streamCount,
                heldByteCount: connection.heldByteCount,
                sentByteCount: connection.byteCounts.sent,
                receivedByteCount: connection.byteCounts.received)
        }
        streamCount = snapshot.streamCount
        heldByteCount = snapshot.heldByteCount
        sentByteCount = snapshot.byteCounts.sent
        receivedByteCount = snapshot.byteCounts.received
        let heard = announcements.heard
        announcedHeight = heard.height
        takenAnnouncementCount = heard.takenCount
        refusedAnnouncementCount = heard.refusedCount
        logSizes = Dictionary(
            uniqueKeysWithValues: announcements.treeHeadSizes.map {
                (PeerID(publicKey: $0.key).description, $0.value)
            })
    }

    /// The newest snapshot in a file, if its process still runs.
    static func read(_ file: URL) -> NetworkSnapshot? {
        guard let data = try? Data(contentsOf: file), data.count < 1 << 20,
            let snapshot = try? JSONDecoder().decode(NetworkSnapshot.self, from: data),
            kill(snapshot.processID, 0) == 0
        else { return nil }
        return snapshot
    }

    /// Writes the file every second until the task is cancelled.
    ///
    /// A failure is not worth ending a run for.
    static func keepWriting(
        to file: URL, swarm: Swarm, announcements: AnnouncementService, advertised: [String],
        board: ReachabilityBoard, clock: ServiceClock = .system
    ) async {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        while !Task.isCancelled {
            let snapshot = NetworkSnapshot(
                swarm: swarm, announcements: announcements, advertised: advertised,
                board: board)
            if let data = try? encoder.encode(snapshot) {
                try? LiveFile.replace(file, with: data)
            }
            do { try await clock.sleep(.seconds(1)) } catch { return }
        }
    }
}
