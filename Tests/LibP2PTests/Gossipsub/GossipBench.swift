import Cryptography
import LibP2P

/// One instance with peers around it that the test plays by hand.
struct GossipBench {
    static let topic = "/starling/test/control/1"

    var instance: GossipsubInstance
    var generator = SeededGenerator(seed: 1)
    var now = Duration.zero
    var peers: [SamplePeer] = []

    init(
        parameters: GossipParameters = GossipParameters(),
        scoreParameters: GossipScoreParameters = GossipScoreParameters(),
        subscribes: Bool = true
    ) {
        instance = GossipsubInstance(
            key: Fixtures.initiator, firstSequenceNumber: 1, parameters: parameters,
            scoreParameters: scoreParameters)
        if subscribes { _ = handle(.subscribe(Self.topic)) }
    }

    mutating func handle(_ event: GossipsubInstance.Event) -> [GossipsubInstance.Directive] {
        instance.handle(event, now: now, using: &generator)
    }

    mutating func receive(
        _ rpc: GossipRPC, from peer: SamplePeer
    ) -> [GossipsubInstance.Directive] {
        handle(.received(peer.id, rpc.bytes))
    }

    /// Connects a peer that wants the topic.
    mutating func connect(
        isOutbound: Bool = false, version: GossipVersion = .v11, addressGroup: String? = nil,
        topics: [String] = [topic], record: Bool = false
    ) throws -> SamplePeer {
        let peer = try SamplePeer(peers.count + 1)
        peers.append(peer)
        _ = handle(
            .connected(
                peer.id,
                GossipPeer(isOutbound: isOutbound, version: version, addressGroup: addressGroup)))
        if record { _ = handle(.recordKnown(try peer.record())) }
        if !topics.isEmpty { _ = receive(.subscription(topics), from: peer) }
        return peer
    }

    /// Lets so many heartbeats pass, one a second.
    @discardableResult
    mutating func beat(_ count: Int = 1) -> [GossipsubInstance.Directive] {
        var directives: [GossipsubInstance.Directive] = []
        for _ in 0..<count {
            now += .seconds(1)
            directives += handle(.heartbeat)
        }
        return directives
    }

    /// Has a peer deliver a message that is accepted.
    mutating func accept(
        _ message: GossipMessage, from peer: SamplePeer
    ) -> [GossipsubInstance.Directive] {
        receive(.message(message), from: peer) + handle(.judged(message.id, .accept))
    }

    func score(_ peer: SamplePeer) -> Double { instance.scores.score(of: peer.id) }

    func isMeshPeer(_ peer: SamplePeer) -> Bool {
        instance.meshPeers(of: Self.topic).contains(peer.id)
    }
}

extension SamplePeer {
    /// A message of this peer.
    func message(
        _ number: UInt64, data: [UInt8] = [1, 2, 3], topic: String = GossipBench.topic
    ) -> GossipMessage {
        GossipMessage.sign(data: data, topic: topic, sequenceNumber: number, key: key)
    }
}

extension GossipRPC {
    static func with(_ change: (inout GossipRPC) -> Void) -> GossipRPC {
        var rpc = GossipRPC()
        change(&rpc)
        return rpc
    }

    static func subscription(_ topics: [String]) -> GossipRPC {
        with { $0.subscriptions = topics.map { .init(isSubscribed: true, topic: $0) } }
    }

    static func message(_ message: GossipMessage) -> GossipRPC {
        with { $0.messages = [message.bytes] }
    }

    static func ihave(_ ids: [GossipMessageID], topic: String = GossipBench.topic) -> GossipRPC {
        with { $0.ihave = [.init(topic: topic, messageIDs: ids)] }
    }

    static func iwant(_ ids: [GossipMessageID]) -> GossipRPC { with { $0.iwant = ids } }

    static func graft(_ topic: String = GossipBench.topic) -> GossipRPC {
        with { $0.graft = [topic] }
    }

    static func prune(
        backoffSeconds: UInt64? = nil, peers: [PeerInfo] = [], topic: String = GossipBench.topic
    ) -> GossipRPC {
        with { $0.prune = [.init(topic: topic, peers: peers, backoffSeconds: backoffSeconds)] }
    }
}

extension [GossipsubInstance.Directive] {
    /// What was sent to a peer, joined.
    func sent(to peer: PeerID) -> GossipRPC {
        var all = GossipRPC()
        for case .send(peer, let rpc, _) in self {
            all.subscriptions += rpc.subscriptions
            all.messages += rpc.messages
            all.ihave += rpc.ihave
            all.iwant += rpc.iwant
            all.graft += rpc.graft
            all.prune += rpc.prune
        }
        return all
    }

    func sent(to peer: SamplePeer) -> GossipRPC { sent(to: peer.id) }

    /// The peers that were sent something which passes a test, ascending.
    func receivers(where isWanted: (GossipRPC) -> Bool) -> [PeerID] {
        Set(
            compactMap { directive in
                if case .send(let peer, let rpc, _) = directive, isWanted(rpc) { peer } else { nil }
            }
        ).sorted()
    }

    var notes: [GossipNote] {
        compactMap { if case .note(_, let note) = $0 { note } else { nil } }
    }

    var delivered: [GossipMessage] {
        compactMap { if case .deliver(let message, _) = $0 { message } else { nil } }
    }

    var validated: [GossipMessage] {
        compactMap { if case .validate(let message, _) = $0 { message } else { nil } }
    }
}
