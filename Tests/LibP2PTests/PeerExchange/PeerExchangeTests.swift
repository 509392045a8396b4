import Cryptography
import LibP2P
import Testing

@Suite struct PeerExchangeTests {
    let sender: SamplePeer
    let own: SignedPeerRecord

    init() throws {
        sender = try SamplePeer(0)
        own = try sender.record()
    }

    @Test func `records travel with the sender's own first`() throws {
        let others = try (1...5).map { try SamplePeer($0).record() }
        let sent = PeerExchange(own: own.envelope, others: others.map(\.envelope))
        let read = try PeerExchange(bytes: sent.bytes)
        let opened = read.open(from: sender.id)
        #expect(opened.records == [own] + others)
        #expect(opened.faults.isEmpty)
    }

    @Test func `at most sixteen records and 16 KiB are sent`() throws {
        let others = try (1...20).map { try SamplePeer($0).record().envelope }
        #expect(PeerExchange(own: own.envelope, others: others).records.count == 16)
        let long = Array(repeating: UInt8(0), count: 4000)
        let full = PeerExchange(
            own: own.envelope, others: Array(repeating: long, count: 8) + others)
        #expect(full.bytes.count <= PeerExchange.messageByteCountMax)
        #expect(full.records.count == 5 + (16_384 - 4 * 4004 - own.envelope.count - 4) / 168)
    }

    @Test func `a bad record is dropped and named, the others are kept`() throws {
        var bent = try SamplePeer(1).record().envelope
        bent[bent.count - 1] ^= 1
        let good = try SamplePeer(2).record()
        let long = Array(repeating: UInt8(0), count: PeerExchange.recordByteCountMax + 1)
        let message = PeerExchange(own: own.envelope, others: [bent, good.envelope, long, [9]])
        let opened = try PeerExchange(bytes: message.bytes).open(from: sender.id)
        #expect(opened.records == [own, good])
        #expect(opened.faults.count == 3)
        #expect(opened.faults.first == .record(index: 1, .invalidSignature(.envelope)))
        #expect(
            opened.faults.dropFirst().first
                == .record(index: 3, .tooLarge(.envelope, byteCount: 4097, byteCountMax: 4096)))
    }

    @Test func `a record that another peer signed is dropped`() throws {
        let other = try SamplePeer(3)
        let record = PeerRecord(peerID: other.id, sequenceNumber: 9, addresses: [])
        #expect(throws: LibP2PError.peerMismatch(expected: other.id, actual: sender.id)) {
            try record.sealed(by: sender.key)
        }
        let message = PeerExchange(own: try other.record().envelope, others: [])
        #expect(message.open(from: sender.id).faults == [.firstIsNotSender(other.id)])
    }

    @Test func `messages out of bounds are refused before a record is opened`() throws {
        let record: [UInt8] = [0x0a, 0x00]
        #expect(throws: PeerExchangeError.tooManyRecords(17)) {
            try PeerExchange(bytes: Array(repeating: record, count: 17).flatMap { $0 })
        }
        #expect(throws: PeerExchangeError.tooLong(byteCount: 16_385)) {
            try PeerExchange(bytes: Array(repeating: 0, count: 16_385))
        }
        #expect(throws: PeerExchangeError.malformed) { try PeerExchange(bytes: [0x0a, 0x05]) }
        #expect(try PeerExchange(bytes: []).open(from: sender.id).records.isEmpty)
    }

    @Test func `only addresses that can be dialled and are the peer's own count`() throws {
        let other = try SamplePeer(1).id
        let record = try sender.record(addresses: [
            "/ip4/0.0.0.0/tcp/1", "/ip4/10.0.0.1/udp/1/quic-v1", "/ip4/10.0.0.2/tcp/2",
            "/ip4/10.0.0.3/tcp/3/p2p/\(other)", "/dns/a.example/tcp/4/p2p/\(sender.id)",
        ])
        #expect(
            record.dialableAddresses.map(\.description) == [
                "/ip4/10.0.0.2/tcp/2/p2p/\(sender.id)", "/dns/a.example/tcp/4/p2p/\(sender.id)",
            ])
    }
}
