import Cryptography
import Testing

@testable import LibP2P

@Suite struct PeerRecordTests {
    static let envelope = hex(
        """
        0a24080112208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c120203011a36
        0a260024080112208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c10011a0a
        0a08047f000001060fa12a405952f57af52b9b47bcc535948fb676f46e91cbf51966f2efb7f0232827007dcf
        d3ed3907dac95a4d73cf3ed767a42108017b8fcdd9f18413dcd18ed8a043de0f
        """
    )
    static let record = PeerRecord(
        peerID: Fixtures.initiatorID,
        sequenceNumber: 1,
        addresses: [Fixtures.address("/ip4/127.0.0.1/tcp/4001")]
    )

    @Test func `the published record is made and read byte for byte`() throws {
        let sealed = try Self.record.sealed(by: Fixtures.initiator)
        #expect(sealed.bytes == Self.envelope)
        #expect(Self.envelope.count == 164)
        let signed = SignedEnvelope.signedBytes(
            domain: SigningDomain.peerRecord,
            payloadType: PeerRecord.payloadType,
            payload: sealed.payload
        )
        #expect(
            signed
                == hex(
                    """
                    126c69627032702d706565722d7265636f7264020301360a260024080112208a88e3dd7409f1
                    95fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c10011a0a0a08047f000001060fa1
                    """
                )
        )
        #expect(try PeerRecord.open(Self.envelope) == Self.record)
    }

    @Test func `a record signed under the domain of the RFC is refused`() {
        #expect(throws: LibP2PError.invalidSignature(.envelope)) {
            try SignedEnvelope.open(Self.envelope, domain: "libp2p-routing-state")
        }
    }

    @Test func `every changed bit makes the record invalid`() {
        for index in Self.envelope.indices {
            for bit in 0..<8 {
                var changed = Self.envelope
                changed[index] ^= 1 << UInt8(bit)
                #expect(throws: LibP2PError.self) { try PeerRecord.open(changed) }
            }
        }
        for count in Self.envelope.indices {
            #expect(throws: LibP2PError.self) {
                try PeerRecord.open(Array(Self.envelope.prefix(count)))
            }
        }
    }

    @Test func `a record of another peer is refused on both ends`() throws {
        #expect(
            throws: LibP2PError.peerMismatch(
                expected: Fixtures.initiatorID, actual: Fixtures.responderID
            )
        ) { try Self.record.sealed(by: Fixtures.responder) }
        let payload = try Self.record.sealed(by: Fixtures.initiator).payload
        let forged = SignedEnvelope.seal(
            payload: payload,
            payloadType: PeerRecord.payloadType,
            domain: SigningDomain.peerRecord,
            key: Fixtures.responder
        )
        #expect(
            throws: LibP2PError.peerMismatch(
                expected: Fixtures.initiatorID, actual: Fixtures.responderID
            )
        ) { try PeerRecord.open(forged.bytes) }
    }

    @Test func `another payload type is refused`() {
        let other = SignedEnvelope.seal(
            payload: [], payloadType: [3, 2], domain: SigningDomain.peerRecord,
            key: Fixtures.initiator
        )
        #expect(throws: LibP2PError.payloadTypeMismatch(actual: [3, 2])) {
            try PeerRecord.open(other.bytes)
        }
    }

    @Test func `an envelope of an RSA key is refused by name`() {
        let field = LengthPrefixedDecoder.encode(PeerIDTests.rsaMessage)
        let bytes = [0x0a] + field + [0x12, 1, 1, 0x1a, 1, 1, 0x2a, 1, 1]
        #expect(throws: LibP2PError.unsupportedKeyType(.rsa)) {
            try SignedEnvelope.open(bytes, domain: SigningDomain.peerRecord)
        }
    }

    @Test func `addresses that cannot be read do not spoil the record`() throws {
        // The payload of the vector with an empty address before the good one.
        let payload = try Self.record.sealed(by: Fixtures.initiator).payload
        let damaged = payload + [0x1a, 0x02, 0x0a, 0x00] + [0x1a, 0x03, 0x0a, 0x01, 0x04]
        let envelope = SignedEnvelope.seal(
            payload: damaged, payloadType: PeerRecord.payloadType,
            domain: SigningDomain.peerRecord, key: Fixtures.initiator
        )
        #expect(try PeerRecord.open(envelope.bytes) == Self.record)
    }

    @Test func `a larger number replaces a smaller one, an equal one does not`() {
        let next = PeerRecord(
            peerID: Fixtures.initiatorID, sequenceNumber: 2, addresses: []
        )
        let other = PeerRecord(
            peerID: Fixtures.responderID, sequenceNumber: 9, addresses: []
        )
        #expect(next.isNewer(than: Self.record))
        #expect(!Self.record.isNewer(than: Self.record))
        #expect(!Self.record.isNewer(than: next))
        #expect(!other.isNewer(than: Self.record))
    }

    @Test func `an oversized envelope is refused unread`() {
        #expect(throws: LibP2PError.self) {
            try PeerRecord.open(
                [UInt8](repeating: 0, count: SignedEnvelope.byteCountMax + 1)
            )
        }
    }

    @Test func `damaged envelopes and payloads give errors`() throws {
        Mutations.run(seed: 0x6d, count: 2000, inputs: [Self.envelope]) { bytes in
            if bytes != Self.envelope, let record = try? PeerRecord.open(bytes) {
                // Unknown or repeated fields may be added without touching what is signed.
                #expect(record == Self.record)
            }
        }
        let payload = try Self.record.sealed(by: Fixtures.initiator).payload
        Mutations.run(seed: 0x7d, count: 300, inputs: [payload]) { bytes in
            let envelope = SignedEnvelope.seal(
                payload: bytes, payloadType: PeerRecord.payloadType,
                domain: SigningDomain.peerRecord, key: Fixtures.initiator
            )
            _ = try? PeerRecord.open(envelope.bytes)
        }
    }
}
