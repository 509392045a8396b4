internal import Cryptography
internal import LibP2P

/// What a peer sends on its gossip stream: frames behind their lengths, handed to a node that wants
/// the topic `t`; and the same bytes as a frame and as a message of their own.
struct GossipInput {
    /// A generator that gives the same numbers in every run.
    private struct Counter: RandomNumberGenerator {
        var state: UInt64 = 1

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
    }

    private static let key = seeded(1)
    /// The peer that sends, and the author of the first inputs' messages.
    private static let peer = PeerID(publicKey: seeded(2).publicKey)

    private let input: [UInt8]

    init(_ input: [UInt8]) {
        self.input = input
    }

    func read() {
        _ = try? GossipMessage.open(input, dataByteCountMax: 4_096)
        if let rpc = try? GossipRPC(bytes: input) {
            precondition((try? GossipRPC(bytes: rpc.bytes)) == rpc, "a frame does not read back")
        }
        var generator = Counter()
        var instance = GossipsubInstance(key: Self.key, firstSequenceNumber: 1)
        var now = Duration.zero
        func handle(_ event: GossipsubInstance.Event) -> [GossipsubInstance.Directive] {
            now += .milliseconds(100)
            return instance.handle(event, now: now, using: &generator)
        }
        _ = handle(.subscribe("t"))
        _ = handle(.connected(Self.peer, GossipPeer(isOutbound: true)))
        var decoder = LengthPrefixedDecoder(byteCountMax: GossipRPC.byteCountMax)
        decoder.append(input)
        while let frame = try? decoder.next() {
            for directive in handle(.received(Self.peer, frame)) {
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
        _ = handle(.disconnected(Self.peer))
        precondition(instance.meshPeers(of: "t").isEmpty, "a peer that left is in the mesh")
    }

    private static func seeded(_ byte: UInt8) -> SigningKey {
        guard let key = SigningKey(seed: Array(repeating: byte, count: SigningKey.seedByteCount))
        else { preconditionFailure("a seed of 32 bytes was refused") }
        return key
    }
}
