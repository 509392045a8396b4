internal import LibP2P

/// Connections, and the frames on them.
extension AnnouncementWorld {
    /// Ends connections across a partition and dials whoever is wanted and not connected.
    mutating func keepConnections() throws(SimulationFailure) {
        for node in nodes.indices {
            for peer in nodes[node].connections.keys.sorted() where peer > node {
                if !scenario.canReach(node, peer, atSeconds: seconds) {
                    try disconnect(node, peer)
                }
            }
        }
        for node in nodes.indices { try keepConnections(of: node) }
    }

    mutating func keepConnections(of node: Int) throws(SimulationFailure) {
        guard nodes[node].instance != nil else { return }
        for peer in nodes[node].wanted { try connect(node, peer) }
    }

    private mutating func connect(_ dialer: Int, _ other: Int) throws(SimulationFailure) {
        guard nodes[other].instance != nil, nodes[dialer].connections[other] == nil,
            scenario.canReach(dialer, other, atSeconds: seconds)
        else { return }
        connectionCount += 1
        nodes[dialer].connections[other] = connectionCount
        nodes[other].connections[dialer] = connectionCount
        try tell(dialer, .connected(nodes[other].peerID, GossipPeer(isOutbound: true)))
        try tell(other, .connected(nodes[dialer].peerID, GossipPeer(isOutbound: false)))
    }

    mutating func disconnect(_ one: Int, _ other: Int) throws(SimulationFailure) {
        nodes[one].connections[other] = nil
        nodes[other].connections[one] = nil
        controlArrivals[[one, other]] = nil
        controlArrivals[[other, one]] = nil
        try tell(one, .disconnected(nodes[other].peerID))
        try tell(other, .disconnected(nodes[one].peerID))
    }

    mutating func send(
        _ rpc: GossipRPC, _ precedence: GossipPrecedence, from node: Int, to peer: PeerID
    ) {
        guard let other = numbers[peer], let connection = nodes[node].connections[other] else {
            return
        }
        if nodes[node].behavior != .honest, !rpc.messages.isEmpty { return }
        let bytes = rpc.bytes
        traffic.count(rpc, byteCount: bytes.count)
        guard precedence != .control else {
            deliver(bytes, from: node, to: other, connection, inOrder: true)
            return
        }
        let copyCount = generator.chance(scenario.duplicateRate) ? 2 : 1
        for _ in 0..<copyCount where !generator.chance(scenario.lossRate) {
            deliver(bytes, from: node, to: other, connection, inOrder: false)
        }
    }

    /// Sends every neighbour a message in the name of a node that never wrote it.
    mutating func forge(_ node: Int) {
        let victim = (node + 1) % nodes.count
        var message = GossipMessage.sign(
            data: [1, 2, 3], topic: Self.topic, sequenceNumber: milliseconds,
            key: nodes[victim].key
        ).bytes
        // The last byte of what was signed is within the signature or the topic.
        message[message.count - 1] ^= 1
        var rpc = GossipRPC()
        rpc.messages = [message]
        for (peer, connection) in nodes[node].connections.sorted(by: { $0.key < $1.key }) {
            deliver(rpc.bytes, from: node, to: peer, connection, inOrder: false)
        }
    }

    private mutating func deliver(
        _ bytes: [UInt8], from node: Int, to other: Int, _ connection: Int, inOrder: Bool
    ) {
        var arrival = milliseconds + generator.number(in: scenario.delayMilliseconds)
        if inOrder {
            arrival = max(arrival, controlArrivals[[node, other]] ?? 0)
            controlArrivals[[node, other]] = arrival
        }
        queue.insert(
            .deliver(from: node, to: other, connection: connection, bytes: bytes), at: arrival)
    }
}

/// What the nodes have sent.
struct AnnouncementTraffic {
    var frameCount = 0
    var byteCount = 0
    /// Frames that carry messages; each counts one.
    var messageFrameCount = 0
    var killCount = 0

    mutating func count(_ rpc: GossipRPC, byteCount: Int) {
        frameCount += 1
        self.byteCount += byteCount
        messageFrameCount += rpc.messages.count
    }
}
