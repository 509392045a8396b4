internal import Cryptography

@testable internal import LibP2P

/// What a peer sends during the handshake, to either side.
///
/// The keys are the same in every run, so that the recorded messages of the first inputs open.
enum NoiseHandshakeDecoder: PeerDecoder {
    private static func instance(_ role: NoiseHandshakeInstance.Role) -> NoiseHandshakeInstance {
        let isInitiator = role == .initiator
        return NoiseHandshakeInstance(
            role: role, identity: Samples.keys[isInitiator ? 0 : 1], expectedPeer: nil,
            muxers: ["/yamux/1.0.0"], staticKey: Samples.agreementKey(isInitiator ? 5 : 6),
            ephemeralKey: Samples.agreementKey(isInitiator ? 7 : 8))
    }

    static var seeds: [[UInt8]] {
        func sent(_ directives: [NoiseHandshakeInstance.Directive]?) -> [UInt8] {
            (directives ?? []).flatMap { directive -> [UInt8] in
                if case .send(let bytes) = directive { bytes } else { [] }
            }
        }
        var initiator = instance(.initiator)
        var responder = instance(.responder)
        let first = sent(try? initiator.start())
        let second = sent(try? responder.receive(first))
        let third = sent(try? initiator.receive(second))
        precondition(!second.isEmpty && !third.isEmpty, "the sample handshake failed")
        return [
            [0xFC] + second, [0xFD] + first + third, [0x05] + first + third,
            [0xFD] + first + third + [1, 2, 3],
        ]
    }

    static func read(_ input: [UInt8]) {
        let (choice, pieces) = pieces(input)
        var instance = instance(choice == 0 ? .initiator : .responder)
        _ = try? instance.start()
        var hasEnded = false
        for piece in pieces {
            guard let directives = try? instance.receive(piece) else {
                hasEnded = true
                continue
            }
            precondition(!hasEnded, "a handshake goes on after its end")
            for directive in directives {
                if case .finished = directive { hasEnded = true }
            }
        }
    }
}

/// The payload of a handshake message, which a peer that speaks Noise can fill as it likes.
enum NoisePayloadDecoder: PeerDecoder {
    private static let staticKey = Samples.agreementKey(6).publicKey

    static var seeds: [[UInt8]] {
        [[], ["/yamux/1.0.0"], ["/yamux/1.0.0", "/mplex/6.7.0"]].map {
            NoisePayload.encode(identity: Samples.keys[1], staticKey: staticKey, muxers: $0)
        }
    }

    static func read(_ input: [UInt8]) {
        guard let payload = try? NoisePayload(bytes: input) else { return }
        precondition((payload.muxers?.count ?? 0) <= NoisePayload.muxerCountMax)
        _ = try? payload.authenticate(staticKey: staticKey, expected: nil)
        _ = try? payload.authenticate(staticKey: staticKey, expected: Samples.peers[0])
    }
}

/// Records after the handshake.
enum NoiseStreamDecoder: PeerDecoder {
    private static let secret = [UInt8](repeating: 9, count: 32)

    static var seeds: [[UInt8]] {
        let cipher = NoiseSendCipher(key: SecretBytes(copying: secret))
        let records = [[1], Array(repeating: 2, count: 300), [3, 4]].map {
            (try? cipher.seal($0)) ?? []
        }
        return [
            [0xFF] + records[0], [0x20] + records.joined(), [0] + records[0] + [0, 3, 1, 2, 3],
        ]
    }

    static func read(_ input: [UInt8]) {
        let (_, pieces) = pieces(input)
        var decoder = NoiseRecordDecoder(
            cipher: NoiseReceiveCipher(key: SecretBytes(copying: secret)))
        var plaintextByteCount = 0
        for piece in pieces {
            decoder.append(piece)
            do {
                while let plaintext = try decoder.next() { plaintextByteCount += plaintext.count }
            } catch {
                precondition((try? decoder.next()) ?? nil == nil, "a record after a bad one")
                return
            }
        }
        precondition(plaintextByteCount <= input.count, "more plaintext than came")
    }
}
