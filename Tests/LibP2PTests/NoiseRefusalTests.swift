import Cryptography
import FoundationEssentials
import Testing

@testable import LibP2P

/// What must end a handshake.
@Suite struct NoiseRefusalTests {
    private typealias Handshake = NoiseHandshakeTests

    /// A responder with any payload, to play a peer that lies.
    private func answer(payload: (_ staticKey: [UInt8]) -> [UInt8]) throws -> [UInt8] {
        let staticKey = AgreementKey()
        var liar = NoiseXXInstance(
            role: .responder, prologue: [], staticKey: staticKey, ephemeralKey: AgreementKey()
        )
        _ = try liar.readMessage(Array(Handshake.messages[0].dropFirst(2)))
        let message = try liar.writeMessage(payload: payload(staticKey.publicKey))
        return [UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message
    }

    private func dial(
        answer: [UInt8], expecting peer: PeerID? = Fixtures.responderID
    ) throws {
        var initiator = Handshake.initiator(expecting: peer)
        _ = try initiator.start()
        _ = try Handshake.feed(&initiator, answer, .everything)
    }

    @Test func `another peer than the dialed one is refused before this one shows itself`() {
        var initiator = Handshake.initiator(expecting: Fixtures.initiatorID)
        var responder = Handshake.responder()
        #expect(
            throws: LibP2PError.peerMismatch(
                expected: Fixtures.initiatorID, actual: Fixtures.responderID
            )
        ) { _ = try Handshake.run(&initiator, &responder) }
    }

    @Test func `every changed byte of every message ends the handshake`() throws {
        for index in Handshake.messages[1].indices {
            var changed = Handshake.messages[1]
            changed[index] ^= 0x01
            var initiator = Handshake.initiator()
            _ = try initiator.start()
            let outcome = Result { try Handshake.feed(&initiator, changed, .everything) }
            // A longer length only leaves the machine waiting for bytes that never come.
            if case .success(let end) = outcome { #expect(end.session == nil && index < 2) }
        }
        for index in Handshake.messages[2].indices {
            var changed = Handshake.messages[2]
            changed[index] ^= 0x01
            var responder = Handshake.responder()
            _ = try Handshake.feed(&responder, Handshake.messages[0], .everything)
            let outcome = Result { try Handshake.feed(&responder, changed, .everything) }
            if case .success(let end) = outcome { #expect(end.session == nil && index < 2) }
        }
    }

    @Test(arguments: ["0000", "001f", "0021", "0100", "ffff"])
    func `a first message of another length is refused at once`(length: String) {
        var responder = Handshake.responder()
        #expect(throws: LibP2PError.malformed(.noiseHandshake)) {
            _ = try Handshake.feed(&responder, hex(length), .oneByte)
        }
        #expect(throws: LibP2PError.ended(.noiseHandshake)) { _ = try responder.receive([0]) }
    }

    @Test(arguments: [
        [UInt8](repeating: 0, count: 32), [1] + [UInt8](repeating: 0, count: 31),
    ])
    func `an ephemeral key of small order is refused`(point: [UInt8]) {
        var responder = Handshake.responder()
        #expect(throws: LibP2PError.weakSharedSecret) {
            _ = try Handshake.feed(&responder, [0, 32] + point, .everything)
        }
    }

    @Test func `a second message shorter than its keys is refused`() {
        for count in [0, 31, 32, 48, 79, 95] {
            let message = [0, UInt8(count)] + [UInt8](repeating: 9, count: count)
            #expect(throws: LibP2PError.self) { try dial(answer: message) }
        }
    }

    @Test func `a signature over another static key is refused`() throws {
        let answer = try answer { _ in
            NoisePayload.encode(
                identity: Fixtures.responder, staticKey: AgreementKey().publicKey, muxers: []
            )
        }
        #expect(throws: LibP2PError.invalidSignature(.noisePayload)) { try dial(answer: answer) }
    }

    @Test func `a signature without the prefix is refused`() throws {
        let answer = try answer { staticKey in
            var message = NoisePayloadMessage()
            message.identityKey = .init(PublicKeyEncoding.encode(Fixtures.responder.publicKey))
            message.identitySig = .init(Fixtures.responder.signature(for: staticKey))
            return message.wireBytes
        }
        #expect(throws: LibP2PError.invalidSignature(.noisePayload)) { try dial(answer: answer) }
    }

    @Test func `an RSA identity is refused by name`() throws {
        let answer = try answer { _ in
            var message = NoisePayloadMessage()
            message.identityKey = .init(PeerIDTests.rsaMessage)
            message.identitySig = .init([UInt8](repeating: 1, count: 256))
            return message.wireBytes
        }
        #expect(throws: LibP2PError.unsupportedKeyType(.rsa)) { try dial(answer: answer) }
    }

    @Test func `a payload without key or signature, or with too many muxers, is refused`() throws {
        let empty = try answer { _ in [] }
        #expect(throws: LibP2PError.malformed(.noisePayload)) { try dial(answer: empty) }
        let noise = try answer { _ in [0xff, 0xff] }
        #expect(throws: LibP2PError.malformed(.noisePayload)) { try dial(answer: noise) }
        let many = try answer { staticKey in
            NoisePayload.encode(
                identity: Fixtures.responder, staticKey: staticKey,
                muxers: [String](repeating: "/m", count: NoisePayload.muxerCountMax + 1)
            )
        }
        #expect(
            throws: LibP2PError.tooMany(.noisePayload, countMax: NoisePayload.muxerCountMax)
        ) { try dial(answer: many) }
    }

    @Test func `unknown fields of a payload are ignored`() throws {
        let answer = try answer { staticKey in
            NoisePayload.encode(identity: Fixtures.responder, staticKey: staticKey, muxers: [])
                + [0x1a, 0x01, 0x07, 0xf8, 0x07, 0x01]
        }
        #expect(throws: Never.self) { try dial(answer: answer) }
        #expect(throws: Never.self) { try dial(answer: answer, expecting: nil) }
    }

    @Test func `a machine does not speak out of turn or after its end`() throws {
        var initiator = Handshake.initiator()
        _ = try initiator.start()
        #expect(throws: LibP2PError.ended(.noiseHandshake)) { _ = try initiator.start() }
        var responder = Handshake.responder()
        #expect(try responder.start().isEmpty)
        _ = try Handshake.feed(&responder, Handshake.messages[0], .everything)
        let end = try Handshake.feed(&responder, Handshake.messages[2], .everything)
        #expect(end.session != nil)
        #expect(throws: LibP2PError.ended(.noiseHandshake)) { _ = try responder.receive([]) }
    }

    @Test func `damaged handshakes and payloads end in errors`() throws {
        Mutations.run(seed: 0x9d, count: 150, inputs: [Handshake.messages[1]]) { bytes in
            var initiator = Handshake.initiator()
            _ = try? initiator.start()
            if let end = try? Handshake.feed(&initiator, bytes, .threeBytes) {
                #expect(end.session == nil || bytes.starts(with: Handshake.messages[1]))
            }
        }
        let payload = NoisePayload.encode(
            identity: Fixtures.responder, staticKey: [UInt8](repeating: 3, count: 32),
            muxers: [Handshake.yamux]
        )
        Mutations.run(seed: 0xad, count: 2000, inputs: [payload]) { bytes in
            guard let parsed = try? NoisePayload(bytes: bytes) else { return }
            _ = try? parsed.authenticate(
                staticKey: [UInt8](repeating: 3, count: 32), expected: nil
            )
        }
    }
}
