import Cryptography
import Testing

@testable import LibP2P

@Suite struct NoiseHandshakeTests {
    static let yamux = "/yamux/1.0.0"
    static let messages = [
        "0020358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254",
        """
        00d864b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484663414af878d3e46a2f58911a8
        16d6e8346d4ea17a6f2a0bb4ef4ed56c133cff4560a34e36ea82109f26cf2e5a5caf992b8b4dc7d75b05c89b43f3
        8041627005fefcdb27d273d3946023be5333fb7f756f72091b1bf78787e8ac0162c7ba6b965e2e8e428c0920a0d5
        b61ad092bfb4c9e1cd517a7f5d4d511f5d3188ffb21772b3f4be1de6b301d832c16454647f705a851d4de5e46e07
        945a94216610cafd32b1ac73bf9b837316a6f681f1ddb843274d14994e8fb94d3d6e
        """,
        """
        00b887f864c11ba449f46a0a4f4e2eacbb7b0457784f4fca1937f572c93603e9c4d9382c238f10a56c36f61cd30a
        0d0049f102320cd7b9b4eda493e31637ad075ab2c77c0797c079cfcf148395be304b7991f8424d42d1475ce187cc
        331e6594e570e72a3e22523529b83b272e6b91b2819782357ffcfab4829a63bfafac4e2002dd349a3e872744be60
        d681a023d13a129dca29bc23ed6d33818cbc9debef6fdb1c510dfc961b06f8a70353e33b7a2008c6cdd5bc3b8dde
        a049
        """,
    ].map(hex)
    static let handshakeHash =
        "4a6ceabfbf7ba2c83b0f5cabdd7621c6918d4c88b0b2e09da4b7509362c127ec"
    static let yamuxOpen = hex("00 01 0001 00000001 00000000")
    static let yamuxAccept = hex("00 01 0002 00000001 00000000")
    static let firstRecord = hex("001cdc4a9c46c979611d0f700aec9c288cb51aed38473d43889f84b4956e")
    static let firstAnswer = hex("001c5731c82cefcf0dfde4bf53a04890a449b383d9b2d596accffea1bf88")

    static func initiator(
        expecting peer: PeerID? = Fixtures.responderID, muxers: [String] = [yamux]
    ) -> NoiseHandshakeInstance {
        NoiseHandshakeInstance(
            role: .initiator, identity: Fixtures.initiator, expectedPeer: peer, muxers: muxers,
            staticKey: Fixtures.agreementKey(firstByte: 0),
            ephemeralKey: Fixtures.agreementKey(firstByte: 0x20)
        )
    }

    static func responder(muxers: [String] = [yamux]) -> NoiseHandshakeInstance {
        NoiseHandshakeInstance(
            role: .responder, identity: Fixtures.responder, expectedPeer: nil, muxers: muxers,
            staticKey: Fixtures.agreementKey(firstByte: 1),
            ephemeralKey: Fixtures.agreementKey(firstByte: 0x41)
        )
    }

    /// Feeds a machine and gathers what it writes and what it ends with.
    static func feed(
        _ machine: inout NoiseHandshakeInstance, _ bytes: [UInt8], _ size: ReadSize
    ) throws -> (sent: [UInt8], session: NoiseSession?, remainder: [UInt8]) {
        var sent: [UInt8] = []
        var session: NoiseSession?
        var remainder: [UInt8] = []
        for piece in size.cut(bytes) {
            guard session == nil else {
                remainder += piece
                continue
            }
            for directive in try machine.receive(piece) {
                switch directive {
                case .send(let bytes): sent += bytes
                case .finished(let finished, let rest):
                    session = finished
                    remainder += rest
                }
            }
        }
        return (sent, session, remainder)
    }

    /// Runs a handshake between two machines with everything in one read.
    static func run(
        _ initiator: inout NoiseHandshakeInstance, _ responder: inout NoiseHandshakeInstance,
        _ size: ReadSize = .everything
    ) throws -> (initiator: NoiseSession?, responder: NoiseSession?) {
        var outgoing: [UInt8] = []
        for case .send(let bytes) in try initiator.start() { outgoing += bytes }
        let answer = try feed(&responder, outgoing, size)
        let last = try feed(&initiator, answer.sent, size)
        let end = try feed(&responder, last.sent, size)
        return (last.session, end.session)
    }

    @Test(arguments: ReadSize.allCases)
    func `the published handshake is made byte for byte by both sides`(size: ReadSize) throws {
        var initiator = Self.initiator()
        var responder = Self.responder()
        guard case .send(let first) = try initiator.start().first else {
            Issue.record("the initiator does not start")
            return
        }
        #expect(first == Self.messages[0])
        let second = try Self.feed(&responder, first, size)
        #expect(second.sent == Self.messages[1])
        let third = try Self.feed(&initiator, second.sent + Self.firstAnswer, size)
        #expect(third.sent == Self.messages[2])
        #expect(third.remainder == Self.firstAnswer)
        let end = try Self.feed(&responder, third.sent + Self.firstRecord, size)
        #expect(end.remainder == Self.firstRecord)
        let dialing = try #require(third.session)
        let listening = try #require(end.session)
        for session in [dialing, listening] {
            #expect(Hexadecimal.encode(session.handshakeHash) == Self.handshakeHash)
            #expect(session.muxer == Self.yamux)
        }
        #expect(dialing.remotePeer == Fixtures.responderID)
        #expect(dialing.remotePublicKey == Fixtures.responder.publicKey)
        #expect(listening.remotePeer == Fixtures.initiatorID)
        #expect(try dialing.sendCipher.seal(Self.yamuxOpen) == Self.firstRecord)
        #expect(try listening.sendCipher.seal(Self.yamuxAccept) == Self.firstAnswer)
        var reader = NoiseRecordDecoder(cipher: listening.receiveCipher)
        reader.append(end.remainder)
        #expect(try reader.next() == Self.yamuxOpen)
        #expect(
            try dialing.receiveCipher.open(Array(Self.firstAnswer.dropFirst(2)))
                == Self.yamuxAccept
        )
    }

    @Test func `the transport keys are the published ones`() throws {
        var initiator = Self.initiator()
        var responder = Self.responder()
        let sessions = try Self.run(&initiator, &responder)
        let keys = [
            "4759d15f0f4cfb9c3cef133e60b44ea3479cae90880a7e71df96f111d78d5953",
            "a8b5dce3cef845d63c9671c350eb15cbb50b6c6d5f0d3231d32d711dab1ed191",
        ].map { SecretBytes(copying: hex($0)) }
        let sent = try #require(sessions.initiator).sendCipher.seal([1, 2, 3])
        #expect(try NoiseSendCipher(key: keys[0]).seal([1, 2, 3]) == sent)
        let answered = try #require(sessions.responder).sendCipher.seal([4])
        #expect(try NoiseSendCipher(key: keys[1]).seal([4]) == answered)
    }

    @Test func `the muxer is the first of the initiator's list that both have`() throws {
        var initiator = Self.initiator(muxers: [Self.yamux, "/mplex/6.7.0"])
        var responder = Self.responder(muxers: ["/mplex/6.7.0", Self.yamux])
        let sessions = try Self.run(&initiator, &responder)
        #expect(sessions.initiator?.muxer == Self.yamux)
        #expect(sessions.responder?.muxer == Self.yamux)
    }

    @Test(arguments: [([], [yamux]), ([yamux], []), ([], [])] as [([String], [String])])
    func `without a list on a side the muxer is left to be negotiated`(
        dialing: [String], listening: [String]
    ) throws {
        var initiator = Self.initiator(muxers: dialing)
        var responder = Self.responder(muxers: listening)
        let sessions = try Self.run(&initiator, &responder)
        #expect(sessions.initiator != nil)
        #expect(sessions.responder != nil)
        #expect(sessions.initiator?.muxer == nil)
        #expect(sessions.responder?.muxer == nil)
    }

    @Test func `lists without anything in common fail the handshake`() {
        var initiator = Self.initiator(muxers: ["/mplex/6.7.0"])
        var responder = Self.responder()
        #expect(throws: LibP2PError.noCommonMuxer(remote: [Self.yamux])) {
            _ = try Self.run(&initiator, &responder)
        }
    }

    @Test func `fresh keys make another handshake each time`() throws {
        var hashes: Set<[UInt8]> = []
        for _ in 0..<2 {
            var initiator = NoiseHandshakeInstance(
                role: .initiator, identity: Fixtures.initiator,
                expectedPeer: Fixtures.responderID, muxers: []
            )
            var responder = NoiseHandshakeInstance(
                role: .responder, identity: Fixtures.responder, expectedPeer: nil, muxers: []
            )
            let sessions = try Self.run(&initiator, &responder, .oneByte)
            hashes.insert(try #require(sessions.initiator).handshakeHash)
            #expect(sessions.responder?.handshakeHash == sessions.initiator?.handshakeHash)
        }
        #expect(hashes.count == 2)
    }
}
