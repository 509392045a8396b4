import Cryptography
import LibP2P
import Testing

@Suite struct ReachabilityCheckTests {
    static func record() throws -> SignedPeerRecord {
        let key = try #require(SigningKey(seed: [UInt8](repeating: 5, count: 32)))
        let record = PeerRecord(
            peerID: PeerID(publicKey: key.publicKey), sequenceNumber: 9,
            addresses: [try Multiaddr("/ip4/203.0.113.5/tcp/7411")])
        return try SignedPeerRecord(envelope: record.sealed(by: key).bytes)
    }

    @Test func `a question and an answer come back as they were`() throws {
        let question = ReachabilityCheck.Question(record: try Self.record())
        #expect(try ReachabilityCheck.Question(bytes: question.bytes) == question)
        let bare = ReachabilityCheck.Question(record: nil)
        #expect(bare.bytes.isEmpty)
        #expect(try ReachabilityCheck.Question(bytes: []) == bare)
        let address = try Multiaddr("/ip4/203.0.113.5/tcp/7411")
        let answer = ReachabilityCheck.Answer(
            unixMilliseconds: 1_800_000_000_123, observedAddress: address,
            trials: [.init(address: address, outcome: .otherPeer)],
            sessions: [.init(address: address, agent: "starling/0.1.0 (00112233)")])
        #expect(try ReachabilityCheck.Answer(bytes: answer.bytes) == answer)
    }

    @Test func `a forged record and a message beyond any are refused`() throws {
        var envelope = try Self.record().envelope
        envelope[envelope.count - 1] ^= 1
        let forged = [UInt8(0x0a)] + UVarint.encode(UInt64(envelope.count)) + envelope
        #expect(throws: LibP2PError.invalidSignature(.envelope)) {
            try ReachabilityCheck.Question(bytes: forged)
        }
        let long = [UInt8](repeating: 0, count: 8_193)
        #expect(throws: LibP2PError.tooLarge(.check, byteCount: 8_193, byteCountMax: 8_192)) {
            try ReachabilityCheck.Question(bytes: long)
        }
        #expect(throws: LibP2PError.self) { try ReachabilityCheck.Answer(bytes: long) }
    }

    @Test func `what is beyond the bounds is left out`() throws {
        let address = try Multiaddr("/ip4/203.0.113.5/tcp/7411")
        let answer = ReachabilityCheck.Answer(
            unixMilliseconds: 1, observedAddress: nil,
            trials: Array(repeating: .init(address: address, outcome: .busy), count: 9),
            sessions: Array(
                repeating: .init(address: address, agent: String(repeating: "a", count: 500)),
                count: 9))
        #expect(answer.trials.count == 4 && answer.sessions.count == 4)
        let read = try ReachabilityCheck.Answer(bytes: answer.bytes)
        #expect(read.sessions.allSatisfy { $0.agent.count == 128 })
        #expect(answer.bytes.count < ReachabilityCheck.messageByteCountMax)
    }

    @Test func `no bytes trap a reader`() throws {
        let address = try Multiaddr("/ip4/203.0.113.5/tcp/7411")
        let seeds = [
            ReachabilityCheck.Question(record: try Self.record()).bytes,
            ReachabilityCheck.Answer(
                unixMilliseconds: 5, observedAddress: address,
                trials: [.init(address: address, outcome: .reached)],
                sessions: [.init(address: address, agent: "x")]
            ).bytes,
        ]
        for seed in seeds {
            for index in seed.indices {
                for bit in 0..<8 {
                    var bytes = seed
                    bytes[index] ^= 1 << UInt8(bit)
                    _ = try? ReachabilityCheck.Question(bytes: bytes)
                    _ = try? ReachabilityCheck.Answer(bytes: bytes)
                    _ = try? ReachabilityCheck.Answer(bytes: Array(bytes.prefix(index)))
                }
            }
        }
    }
}
