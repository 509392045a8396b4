import Cryptography
import FoundationEssentials
import Testing

@testable import LibP2P

@Suite struct GossipMessageTests {
    static let topic = "/starling/test/announce/1"

    /// Section 14.5 of the network specification, which py-libp2p 0.8.1 accepts.
    static let frame = hex(
        """
        99011296010a260024080112208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c
        120568656c6c6f1a08000000000000000122192f737461726c696e672f746573742f616e6e6f756e63652f31
        2a40caf66aa8359a3a03edc061d7d3cb3b4552fae00ae348b7ac590115f8707e36ba33c0f5aa0ef0bc57cf8803
        54be86e10d78cbfb41330f60ecd85bb3c83d188208
        """)

    /// Made by py-libp2p 0.8.1: seed 32 x 03, no payload, sequence number 1.7e18.
    static let emptyMessage = hex(
        """
        0a26002408011220ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d112001a0817
        979cfe362a000022162f737461726c696e672f30302f636f6e74726f6c2f312a40276fd2a10f97e8b0c3e437a8
        245feb44a549a0e9f86e495b9ed3400aafc0d86461c218da790d5fab35ff482650b1cbc5643997a04eb7d077c3
        6a5e6aec412c03
        """)

    static func parts(
        _ change: (inout GossipMessageMessage) -> Void
    ) throws -> [UInt8] {
        let bytes = SamplePeerMessages.hello.bytes
        var parsed = try GossipMessageMessage(wireBytes: bytes, reading: .envelope)
        change(&parsed)
        return parsed.wireBytes
    }

    enum SamplePeerMessages {
        static let hello = GossipMessage.sign(
            data: Array("hello".utf8), topic: GossipMessageTests.topic, sequenceNumber: 1,
            key: Fixtures.initiator)
    }

    @Test func `the vector of the specification is made byte for byte`() {
        let message = SamplePeerMessages.hello
        let id = Fixtures.initiatorID.bytes + [0, 0, 0, 0, 0, 0, 0, 1]
        #expect(message.id.bytes == id)
        let rpc = GossipRPC(message: message)
        #expect(LengthPrefixedDecoder.encode(rpc.bytes) == Self.frame)
    }

    @Test func `the vector of the specification is read back`() throws {
        let rpc = try GossipRPC(bytes: Array(Self.frame.dropFirst(2)))
        let bytes = try #require(rpc.messages.first)
        let message = try GossipMessage.open(bytes, dataByteCountMax: 5)
        #expect(message == SamplePeerMessages.hello)
        #expect(message.author == Fixtures.initiatorID && message.sequenceNumber == 1)
    }

    @Test func `messages are those that py-libp2p signs`() throws {
        let message = GossipMessage.sign(
            data: [], topic: "/starling/00/control/1",
            sequenceNumber: 1_700_000_000_000_000_000, key: Fixtures.identity(seedByte: 3))
        #expect(message.bytes == Self.emptyMessage)
        #expect(try GossipMessage.open(Self.emptyMessage, dataByteCountMax: 0) == message)
        let long = GossipMessage.sign(
            data: (0..<4_096).map { UInt8(truncatingIfNeeded: $0) }, topic: "t",
            sequenceNumber: .max, key: Fixtures.responder)
        #expect(
            Hashing.sha256(long.bytes).hexadecimal
                == "c1c66ca0b334bd5559732b135276238534dd866719cd7e60f9065030b5ff4df8")
    }

    @Test func `each part of a message is under its signature`() throws {
        let changes: [(inout GossipMessageMessage) -> Void] = [
            { $0.data = .init([104]) },
            { $0.clearData() },
            { $0.seqno = .init([0, 0, 0, 0, 0, 0, 0, 2]) },
            { $0.topic = "another" },
            { $0.from = .init(Fixtures.responderID.bytes) },
            { $0.signature[0] ^= 1 },
            { $0.signature = .init() },
        ]
        for change in changes {
            let bytes = try Self.parts(change)
            #expect(throws: GossipMessageError.invalidSignature) {
                try GossipMessage.open(bytes, dataByteCountMax: 100)
            }
        }
    }

    @Test func `a message without one of its parts is rejected by name`() throws {
        let cases: [(GossipMessageError, (inout GossipMessageMessage) -> Void)] = [
            (.invalidAuthor, { $0.clearFrom() }),
            (.invalidAuthor, { $0.from = .init([1, 2, 3]) }),
            (.sequenceNumberByteCount(0), { $0.clearSeqno() }),
            (.sequenceNumberByteCount(9), { $0.seqno = .init(repeating: 0, count: 9) }),
            (.missingTopic, { $0.clearTopic() }),
            (.missingTopic, { $0.topic = "" }),
            (.missingSignature, { $0.clearSignature() }),
            (
                .keyMismatch,
                { $0.key = .init(PublicKeyEncoding.encode(Fixtures.responder.publicKey)) }
            ),
        ]
        for (error, change) in cases {
            let bytes = try Self.parts(change)
            #expect(throws: error) { try GossipMessage.open(bytes, dataByteCountMax: 100) }
            #expect(error.verdict == .reject)
        }
        #expect(throws: GossipMessageError.dataTooLarge(byteCount: 5, byteCountMax: 4)) {
            try GossipMessage.open(SamplePeerMessages.hello.bytes, dataByteCountMax: 4)
        }
        #expect(throws: GossipMessageError.malformed) {
            try GossipMessage.open([0xff], dataByteCountMax: 4)
        }
    }

    @Test func `the author's key beside the message is borne and not signed`() throws {
        let bytes = try Self.parts { message in
            message.key = .init(PublicKeyEncoding.encode(Fixtures.initiator.publicKey))
        }
        let message = try GossipMessage.open(bytes, dataByteCountMax: 100)
        #expect(message.bytes == bytes && message.id == SamplePeerMessages.hello.id)
    }

    @Test func `an honest forwarder is not blamed for fields and keys that only others know`()
        throws
    {
        let withField = SamplePeerMessages.hello.bytes + [0x7a, 1, 0]
        #expect(throws: GossipMessageError.unknownFields) {
            try GossipMessage.open(withField, dataByteCountMax: 100)
        }
        let hashed = [0x12, 0x20] + [UInt8](repeating: 7, count: 32)
        let foreign = try Self.parts { $0.from = .init(hashed) }
        #expect(throws: GossipMessageError.unsupportedKeyType(.rsa)) {
            try GossipMessage.open(foreign, dataByteCountMax: 100)
        }
        #expect(GossipMessageError.unknownFields.verdict == .ignore)
        #expect(GossipMessageError.unsupportedKeyType(.rsa).verdict == .ignore)
    }

    @Test func `a damaged message never opens as something else`() {
        let original = SamplePeerMessages.hello
        Mutations.run(seed: 5, count: 2_000, inputs: [original.bytes, Self.emptyMessage]) { bytes in
            guard let message = try? GossipMessage.open(bytes, dataByteCountMax: 100) else {
                return
            }
            // What opens was signed: only the encoding may differ.
            #expect(
                message.id == original.id && message.data == original.data
                    || message.sequenceNumber == 1_700_000_000_000_000_000 && message.data.isEmpty)
        }
    }
}
