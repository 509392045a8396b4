import Cryptography
import Testing

@testable import LibP2P

@Suite struct IdentifyTests {
    static func sample() throws -> IdentifyMessage {
        IdentifyMessage(
            publicKey: Fixtures.initiator.publicKey,
            listenAddresses: [Fixtures.address("/ip4/127.0.0.1/tcp/4001")],
            protocols: ["/ipfs/id/1.0.0", "/ipfs/ping/1.0.0"],
            observedAddress: Fixtures.address("/ip4/10.0.0.9/tcp/50000"),
            protocolVersion: "/starling/00112233445566778899aabbccddeeff/1",
            agentVersion: "starling/0.1",
            signedPeerRecord: try PeerRecordTests.record.sealed(by: Fixtures.initiator)
        )
    }

    @Test func `a message survives the way to bytes and back`() throws {
        let message = try Self.sample()
        #expect(try IdentifyMessage.decode(message.encode()) == message)
        #expect(try IdentifyMessage.decode(IdentifyMessage().encode()) == IdentifyMessage())
        #expect(try IdentifyMessage().encode().isEmpty)
    }

    @Test func `the fields have the numbers of the specification`() throws {
        let message = IdentifyMessage(
            publicKey: nil, listenAddresses: [Fixtures.address("/ip4/1.2.3.4/tcp/1")],
            protocols: ["/a"], observedAddress: Fixtures.address("/ip4/1.2.3.4/tcp/2"),
            protocolVersion: "p", agentVersion: "a"
        )
        #expect(
            try message.encode()
                == hex("12 08 0401020304060001 1a 02 2f61 22 08 0401020304060002 2a 01 70 32 01 61")
        )
        let key = try IdentifyMessage(publicKey: Fixtures.initiator.publicKey).encode()
        #expect(key.prefix(4).elementsEqual(hex("0a 24 08 01")))
        let record = try Self.sample().encode().suffix(167)
        #expect(record.prefix(3).elementsEqual(hex("42 a4 01")))
    }

    @Test(arguments: ReadSize.allCases)
    func `messages of one stream are merged as protobuf does`(size: ReadSize) throws {
        let whole = try Self.sample()
        let first = IdentifyMessage(
            publicKey: Fixtures.initiator.publicKey, protocols: ["/ipfs/id/1.0.0"],
            agentVersion: "older"
        )
        var second = whole
        second.publicKeyMessage = nil
        second.protocols = ["/ipfs/ping/1.0.0"]
        let stream = try [first, second].flatMap {
            LengthPrefixedDecoder.encode(try $0.encode())
        }
        var receiver = IdentifyReceiverInstance()
        for piece in size.cut(stream) { try receiver.receive(piece) }
        #expect(try receiver.finish() == whole)
    }

    @Test func `a stream that ends inside a message, or without one, is truncated`() throws {
        let stream = LengthPrefixedDecoder.encode(try Self.sample().encode())
        for count in 0..<stream.count {
            var receiver = IdentifyReceiverInstance()
            try receiver.receive(Array(stream.prefix(count)))
            #expect(throws: LibP2PError.truncated(.identify)) { try receiver.finish() }
        }
    }

    @Test func `more than ten messages or 8 KiB in one are refused`() throws {
        var receiver = IdentifyReceiverInstance()
        let one = LengthPrefixedDecoder.encode([0x32, 1, 0x61])
        try receiver.receive(Array(repeatElement(one, count: 10).joined()))
        #expect(try receiver.finish().agentVersion == "a")
        #expect(throws: LibP2PError.tooMany(.identify, countMax: 10)) { try receiver.receive(one) }
        var other = IdentifyReceiverInstance()
        #expect(
            throws: LibP2PError.tooLarge(.lengthPrefix, byteCount: 8193, byteCountMax: 8192)
        ) { try other.receive(UVarint.encode(8193)) }
        #expect(throws: LibP2PError.self) {
            try IdentifyMessage.decode([UInt8](repeating: 0, count: 8193))
        }
    }

    @Test func `an own message stays below 4 KiB`() {
        let message = IdentifyMessage(
            protocols: [String](repeating: "/starling/delta/1.0.0", count: 200)
        )
        #expect(throws: LibP2PError.self) { try message.encode() }
    }

    @Test func `no more protocols and addresses are kept than the bounds say`() throws {
        let protocolBytes: [UInt8] = [0x1a, 0x01, 0x2f]
        let addressBytes: [UInt8] = [0x12, 0x03, 0xcd, 0x03, 0x00]
        var frames: [[UInt8]] = []
        frames.append(Array(repeatElement(protocolBytes, count: 1500).joined()))
        frames.append(Array(repeatElement(addressBytes, count: 800).joined()))
        // /quic-v1 and then code 0, which is unknown: one opaque byte run, still an address.
        let message = try IdentifyMessage.decode(frames: frames)
        #expect(message.protocols.count == IdentifyMessage.protocolCountMax)
        #expect(message.listenAddresses.count == IdentifyMessage.addressCountMax)
    }

    @Test func `addresses that cannot be read are left out`() throws {
        let bytes =
            try Self.sample().encode() + [0x12, 0x00, 0x12, 0x02, 0x04, 0x7f, 0x22, 0x01, 4]
        let message = try IdentifyMessage.decode(bytes)
        #expect(message.listenAddresses.count == 1)
        #expect(message.observedAddress == nil)
    }

    @Test func `the key and the record must be the connection's`() throws {
        let message = try Self.sample()
        #expect(throws: Never.self) { try message.verifyKey(of: Fixtures.initiatorID) }
        #expect(try message.peerRecord(of: Fixtures.initiatorID) == PeerRecordTests.record)
        let mismatch = LibP2PError.peerMismatch(
            expected: Fixtures.responderID, actual: Fixtures.initiatorID
        )
        #expect(throws: mismatch) { try message.verifyKey(of: Fixtures.responderID) }
        #expect(throws: mismatch) { try message.peerRecord(of: Fixtures.responderID) }
        #expect(throws: LibP2PError.malformed(.identify)) {
            try IdentifyMessage().verifyKey(of: Fixtures.initiatorID)
        }
        #expect(try IdentifyMessage().peerRecord(of: Fixtures.initiatorID) == nil)
    }

    @Test func `a push changes what it names and nothing else`() throws {
        var known = try Self.sample()
        let before = known
        known.update(from: IdentifyMessage())
        #expect(known == before)
        known.update(from: IdentifyMessage(protocols: ["/b"], agentVersion: "new"))
        #expect(known.protocols == ["/b"])
        #expect(known.agentVersion == "new")
        #expect(known.listenAddresses == before.listenAddresses)
        #expect(known.publicKeyMessage == before.publicKeyMessage)
    }

    @Test func `text that is not UTF-8 is refused`() {
        #expect(throws: LibP2PError.malformed(.identify)) {
            try IdentifyMessage.decode([0x32, 1, 0xff])
        }
    }

    @Test func `damaged messages give a message or an error`() throws {
        let body = try Self.sample().encode()
        Mutations.run(seed: 0xcd, count: 1000, inputs: [body]) { bytes in
            guard let message = try? IdentifyMessage.decode(bytes) else { return }
            _ = try? message.verifyKey(of: Fixtures.initiatorID)
            _ = try? message.peerRecord(of: Fixtures.initiatorID)
            if let again = try? message.encode() {
                #expect((try? IdentifyMessage.decode(again)) == message)
            }
        }
        let stream = LengthPrefixedDecoder.encode(body)
        Mutations.run(seed: 0xdd, count: 1000, inputs: [stream + stream]) { bytes in
            var receiver = IdentifyReceiverInstance()
            for piece in ReadSize.threeBytes.cut(bytes) {
                guard (try? receiver.receive(piece)) != nil else { return }
            }
            _ = try? receiver.finish()
        }
    }
}
