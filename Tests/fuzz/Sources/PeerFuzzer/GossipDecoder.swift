internal import Cryptography

@testable internal import LibP2P

/// What a peer sends on its gossip stream: frames behind their lengths, handed to a node that wants
/// the topic `t`; and the same bytes as a frame and as a message of their own.
enum GossipDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        var rpcs = [GossipRPC(), GossipRPC(), GossipRPC()]
        rpcs[0].messages = [
            GossipMessage.sign(
                data: [1, 2, 3], topic: "t", sequenceNumber: 7, key: Samples.keys[1]
            ).bytes
        ]
        rpcs[1].subscriptions = [.init(isSubscribed: true, topic: "t")]
        rpcs[1].graft = ["t"]
        rpcs[2].prune = [
            .init(
                topic: "t",
                peers: [.init(peerID: Samples.peers[2].bytes, signedPeerRecord: Samples.record(2))],
                backoffSeconds: 60)
        ]
        return rpcs.map { LengthPrefixedDecoder.encode($0.bytes) }
    }

    static func read(_ input: [UInt8]) {
        _ = try? GossipMessage.open(input, dataByteCountMax: 4_096)
        if let rpc = try? GossipRPC(bytes: input) {
            precondition((try? GossipRPC(bytes: rpc.bytes)) == rpc, "a frame does not read back")
        }
        var generator = Counter()
        var instance = GossipsubInstance(key: Samples.keys[0], firstSequenceNumber: 1)
        var now = Duration.zero
        func handle(_ event: GossipsubInstance.Event) -> [GossipsubInstance.Directive] {
            now += .milliseconds(100)
            return instance.handle(event, now: now, using: &generator)
        }
        _ = handle(.subscribe("t"))
        _ = handle(.connected(Samples.peers[1], GossipPeer(isOutbound: true)))
        var decoder = LengthPrefixedDecoder(byteCountMax: GossipRPC.byteCountMax)
        decoder.append(input)
        while let frame = try? decoder.next() {
            for directive in handle(.received(Samples.peers[1], frame)) {
                switch directive {
                case .validate(let message, _): _ = handle(.judged(message.id, .accept))
                case .send(_, let rpc, _):
                    precondition(rpc.bytes.count <= GossipRPC.ownByteCountMax, "a long frame")
                default: break
                }
            }
            precondition(instance.meshPeers(of: "t").count <= 1, "more mesh peers than peers")
        }
        for _ in 0..<5 { _ = handle(.heartbeat) }
        _ = handle(.disconnected(Samples.peers[1]))
        precondition(instance.meshPeers(of: "t").isEmpty, "a peer that left is in the mesh")
    }
}
