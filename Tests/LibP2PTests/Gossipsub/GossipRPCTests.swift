import Cryptography
import Testing

@testable import LibP2P

@Suite struct GossipRPCTests {
    static func full() throws -> GossipRPC {
        let peer = try SamplePeer(1)
        let record = try peer.record()
        return .with { rpc in
            rpc.subscriptions = [
                .init(isSubscribed: true, topic: "a"), .init(isSubscribed: false, topic: "b"),
            ]
            rpc.messages = [peer.message(1).bytes, peer.message(2).bytes]
            rpc.ihave = [.init(topic: "a", messageIDs: [peer.message(1).id, peer.message(2).id])]
            rpc.iwant = [.init(bytes: [0xff, 0xfe, 0x00])]
            rpc.graft = ["a", "b"]
            rpc.prune = [
                .init(
                    topic: "c",
                    peers: [
                        .init(peerID: peer.id.bytes, signedPeerRecord: record.envelope),
                        .init(peerID: [], signedPeerRecord: nil),
                    ],
                    backoffSeconds: 60),
                .init(topic: "d"),
            ]
        }
    }

    @Test func `a frame with everything reads back`() throws {
        let rpc = try Self.full()
        #expect(try GossipRPC(bytes: rpc.bytes) == rpc)
        #expect(try GossipRPC(bytes: []).isEmpty)
    }

    @Test func `field numbers are those of the specification`() {
        #expect(GossipRPC.subscription(["t"]).bytes == [0x0a, 5, 0x08, 1, 0x12, 1, 0x74])
        #expect(GossipRPC.with { $0.messages = [[9]] }.bytes == [0x12, 1, 9])
        let id = GossipMessageID(bytes: [7])
        #expect(
            GossipRPC.ihave([id], topic: "t").bytes
                == [0x1a, 8, 0x0a, 6, 0x0a, 1, 0x74, 0x12, 1, 7])
        #expect(GossipRPC.iwant([id]).bytes == [0x1a, 5, 0x12, 3, 0x0a, 1, 7])
        #expect(GossipRPC.graft("t").bytes == [0x1a, 5, 0x1a, 3, 0x0a, 1, 0x74])
        #expect(
            GossipRPC.prune(
                backoffSeconds: 60, peers: [.init(peerID: [5], signedPeerRecord: [6])], topic: "t"
            ).bytes
                == [
                    0x1a, 15, 0x22, 13, 0x0a, 1, 0x74, 0x12, 6, 0x0a, 1, 5, 0x12, 1, 6, 0x18, 60,
                ])
    }

    @Test func `control of later versions is passed over`() throws {
        // IDONTWANT, extensions, and a text where this node knows no field.
        let control: [UInt8] = [0x2a, 3, 0x0a, 1, 9, 0x32, 0, 0x3a, 2, 0x4a, 0x4a]
        let rpc = try GossipRPC(bytes: [0x1a, UInt8(control.count)] + control + [0x22, 1, 7])
        #expect(rpc.isEmpty)
    }

    @Test(
        arguments: [
            [0xff], [0x0a], [0x0a, 5, 1], [0x0b],
            [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
            [0x1a, 2, 0x0a, 9], [0x1a, 3, 0x0a, 1, 0x0f], [0x0a, 3, 0x12, 1, 0xff],
            [UInt8](repeating: 0x80, count: 12),
        ] as [[UInt8]])
    func `what is no frame is refused`(bytes: [UInt8]) {
        #expect(throws: GossipRPCError.malformed) { try GossipRPC(bytes: bytes) }
    }

    @Test func `a frame above its bounds is refused before it is taken apart`() {
        let long = [UInt8](repeating: 0, count: GossipRPC.byteCountMax + 1)
        #expect(throws: GossipRPCError.tooLong(byteCount: long.count)) {
            try GossipRPC(bytes: long)
        }
        let message = [UInt8](repeating: 1, count: GossipRPC.messageByteCountMax + 1)
        #expect(throws: GossipRPCError.messageTooLong(byteCount: message.count)) {
            try GossipRPC(bytes: GossipRPC.with { $0.messages = [message] }.bytes)
        }
        let fitting = Array(message.dropLast())
        #expect(throws: Never.self) {
            try GossipRPC(bytes: GossipRPC.with { $0.messages = [fitting] }.bytes)
        }
    }

    @Test(arguments: [0x0a, 0x12, 0x1a] as [UInt8])
    func `half a million empty parts are refused`(tag: UInt8) {
        let bytes = (0..<GossipRPC.byteCountMax / 2).flatMap { _ -> [UInt8] in [tag, 0] }
        if tag == 0x1a {
            // Empty controls are one and the same, merged.
            #expect(throws: Never.self) { try GossipRPC(bytes: bytes) }
        } else {
            #expect(throws: GossipRPCError.tooManyParts) { try GossipRPC(bytes: bytes) }
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt8])
    func `parts within control are counted, and parts within those`(field: UInt8) {
        func framed(_ content: [UInt8]) -> [UInt8] {
            [0x1a] + UVarint.encode(UInt64(content.count)) + content
        }
        let empty = (0..<GossipRPC.partCountMax + 1).flatMap { _ -> [UInt8] in [field << 3 | 2, 0] }
        #expect(throws: GossipRPCError.tooManyParts) { try GossipRPC(bytes: framed(empty)) }
        let ids = (0..<GossipRPC.partCountMax).flatMap { _ -> [UInt8] in [0x12, 0] }
        let one = [field << 3 | 2] + UVarint.encode(UInt64(ids.count)) + ids
        #expect(throws: GossipRPCError.tooManyParts) { try GossipRPC(bytes: framed(one)) }
    }

    @Test func `damaged frames are refused or read as something that reads back`() throws {
        let rpc = try Self.full()
        Mutations.run(
            seed: 11, count: 3_000, inputs: [rpc.bytes, GossipRPC.graft("t").bytes]
        ) { bytes in
            guard let read = try? GossipRPC(bytes: bytes) else { return }
            #expect((try? GossipRPC(bytes: read.bytes)) == read)
        }
    }

    @Test func `control is cut into frames that every implementation takes`() throws {
        let peer = try SamplePeer(1)
        let ids = (0..<5_000).map { GossipMessageID(author: peer.id, sequenceNumber: $0) }
        let rpc = GossipRPC.with { rpc in
            rpc.subscriptions = (0..<64).map {
                .init(isSubscribed: true, topic: String(repeating: "s", count: 250) + "\($0)")
            }
            rpc.graft = (0..<64).map { String(repeating: "g", count: 250) + "\($0)" }
            rpc.iwant = ids
            rpc.ihave = [
                .init(topic: "one", messageIDs: ids), .init(topic: "two", messageIDs: ids),
            ]
        }
        let parts = rpc.controlParts
        #expect(parts.allSatisfy { $0.bytes.count <= GossipRPC.ownControlByteCountMax })
        #expect(parts.flatMap(\.subscriptions) == rpc.subscriptions)
        #expect(parts.flatMap(\.graft) == rpc.graft)
        #expect(parts.flatMap(\.iwant) == ids)
        for topic in ["one", "two"] {
            let told = parts.flatMap(\.ihave).filter { $0.topic == topic }.flatMap(\.messageIDs)
            #expect(told == ids)
        }
    }
}
