import Cryptography
import Testing

@testable import LibP2P

@Suite struct RelayMessageTests {
    private static let relay = Fixtures.initiatorID
    private static let peer = Fixtures.responderID
    private static let address = Fixtures.address("/ip4/203.0.113.5/tcp/7411")

    private static func reservation() throws -> RelayReservation {
        let voucher = try ReservationVoucher(
            relay: relay, peer: peer, expirationSeconds: 1_800_000_000
        ).sealed(by: Fixtures.initiator)
        return RelayReservation(
            expirationSeconds: 1_800_000_000, addresses: [try address.appending(relay)],
            voucher: voucher.bytes)
    }

    private static func hopMessages() throws -> [HopMessage] {
        [
            .reserve, .connect(peer), .status(.noReservation, nil, nil),
            .status(.ok, try reservation(), CircuitLimit(seconds: 120, byteCount: 131_072)),
            .status(.ok, nil, CircuitLimit.none), .status(RelayStatus(rawValue: 999), nil, nil),
        ]
    }

    private static let stopMessages: [StopMessage] = [
        .connect(peer, CircuitLimit(seconds: 7_200, byteCount: 4 << 30)), .connect(peer, .none),
        .status(.ok), .status(.permissionDenied),
    ]

    @Test func `messages come back as they were`() throws {
        for message in try Self.hopMessages() {
            #expect(try HopMessage(bytes: message.bytes) == message)
        }
        for message in Self.stopMessages {
            #expect(try StopMessage(bytes: message.bytes) == message)
        }
    }

    @Test func `the bytes are those of the specification`() {
        #expect(HopMessage.reserve.bytes == hex("0800"))
        #expect(HopMessage.status(.noReservation, nil, nil).bytes == hex("0802 28cc01"))
        #expect(StopMessage.status(.ok).bytes == hex("0801 2064"))
        #expect(
            HopMessage.connect(Self.peer).bytes
                == hex("0801 1228 0a26") + Self.peer.bytes)
        let limit = CircuitLimit(seconds: 120, byteCount: 131_072)
        #expect(
            StopMessage.connect(Self.peer, limit).bytes
                == hex("0800 1228 0a26") + Self.peer.bytes + hex("1a06 0878 10808008"))
    }

    @Test func `a limit of zero is none`() throws {
        #expect(CircuitLimit(seconds: 0, byteCount: 0) == .none)
        #expect(CircuitLimit.none.carries(.max))
        let small = CircuitLimit(seconds: 120, byteCount: 131_072)
        #expect(small.carries(131_072) && !small.carries(131_073))
        guard
            case .connect(_, let limit) = try StopMessage(
                bytes: hex("0800 1228 0a26") + Self.peer.bytes + hex("1a04 0800 1000"))
        else {
            Issue.record("another message")
            return
        }
        #expect(limit == .none)
    }

    @Test(arguments: ["", "1200", "0803", "0801", "08011200", "0802", "08"])
    func `a hop message that lacks what it needs is refused`(text: String) {
        #expect(throws: LibP2PError.malformed(.relayHop)) { try HopMessage(bytes: hex(text)) }
    }

    @Test(arguments: ["", "1200", "0802", "0800", "08001200", "0801", "20"])
    func `a stop message that lacks what it needs is refused`(text: String) {
        #expect(throws: LibP2PError.malformed(.relayStop)) { try StopMessage(bytes: hex(text)) }
    }

    @Test func `a message beyond the bound is refused before it is read`() {
        let long = [UInt8](repeating: 0, count: 4_097)
        #expect(throws: LibP2PError.tooLarge(.relayHop, byteCount: 4_097, byteCountMax: 4_096)) {
            try HopMessage(bytes: long)
        }
        #expect(throws: LibP2PError.tooLarge(.relayStop, byteCount: 4_097, byteCountMax: 4_096)) {
            try StopMessage(bytes: long)
        }
    }

    @Test func `addresses beyond the bound are left out`() throws {
        let many = RelayReservation(
            expirationSeconds: 1, addresses: Array(repeating: Self.address, count: 40),
            voucher: nil)
        let message = HopMessage.status(.ok, many, nil)
        guard case .status(_, let read, _) = try HopMessage(bytes: message.bytes) else {
            Issue.record("another message")
            return
        }
        #expect(read?.addresses.count == 6)
    }

    @Test func `a voucher holds for its relay and its peer alone`() throws {
        let reservation = try Self.reservation()
        try reservation.verify(relay: Self.relay, peer: Self.peer)
        #expect(throws: LibP2PError.peerMismatch(expected: Self.peer, actual: Self.relay)) {
            try reservation.verify(relay: Self.peer, peer: Self.peer)
        }
        #expect(throws: LibP2PError.peerMismatch(expected: Self.relay, actual: Self.peer)) {
            try reservation.verify(relay: Self.relay, peer: Self.relay)
        }
        #expect(throws: LibP2PError.peerMismatch(expected: Self.peer, actual: Self.relay)) {
            try ReservationVoucher(relay: Self.peer, peer: Self.peer, expirationSeconds: 1)
                .sealed(by: Fixtures.initiator)
        }
        // Without one nothing is proved, and nothing is wrong.
        try RelayReservation(expirationSeconds: 1, addresses: [], voucher: nil)
            .verify(relay: Self.relay, peer: Self.peer)
    }

    @Test func `a voucher that was changed or is of another kind is refused`() throws {
        let voucher = ReservationVoucher(
            relay: Self.relay, peer: Self.peer, expirationSeconds: 1_800_000_000)
        let bytes = try voucher.sealed(by: Fixtures.initiator).bytes
        #expect(try ReservationVoucher.open(bytes) == voucher)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            #expect(throws: LibP2PError.self) { try ReservationVoucher.open(changed) }
        }
        for count in bytes.indices {
            #expect(throws: LibP2PError.self) {
                try ReservationVoucher.open(Array(bytes.prefix(count)))
            }
        }
        let record = try PeerRecord(
            peerID: Self.relay, sequenceNumber: 1, addresses: [Self.address]
        ).sealed(by: Fixtures.initiator)
        #expect(throws: LibP2PError.invalidSignature(.envelope)) {
            try ReservationVoucher.open(record.bytes)
        }
        // Somebody else's word about a relay.
        let payload = try SignedEnvelope.open(bytes, domain: SigningDomain.relayVoucher).payload
        let forged = SignedEnvelope.seal(
            payload: payload, payloadType: ReservationVoucher.payloadType,
            domain: SigningDomain.relayVoucher, key: Fixtures.responder)
        #expect(throws: LibP2PError.peerMismatch(expected: Self.relay, actual: Self.peer)) {
            try ReservationVoucher.open(forged.bytes)
        }
        let otherType = SignedEnvelope.seal(
            payload: payload, payloadType: PeerRecord.payloadType,
            domain: SigningDomain.relayVoucher, key: Fixtures.initiator)
        #expect(throws: LibP2PError.payloadTypeMismatch(actual: [3, 1])) {
            try ReservationVoucher.open(otherType.bytes)
        }
    }

    @Test func `a reservation yields addresses through its relay alone`() throws {
        let relay = Self.relay
        let other = try Self.address.appending(Self.peer)
        let nested = try Multiaddr(relay: Self.address.appending(relay), target: nil)
        let reservation = RelayReservation(
            expirationSeconds: 1,
            addresses: [
                Self.address, try Self.address.appending(relay), other, nested,
                Fixtures.address("/ip4/0.0.0.0/tcp/7411"),
            ], voucher: nil)
        #expect(
            reservation.circuitAddresses(of: Self.peer, relay: relay, known: nil)
                .map(\.description)
                == ["/ip4/203.0.113.5/tcp/7411/p2p/\(relay)/p2p-circuit/p2p/\(Self.peer)"])
        let silent = RelayReservation(expirationSeconds: 1, addresses: [], voucher: nil)
        #expect(
            silent.circuitAddresses(of: Self.peer, relay: relay, known: Self.address).count == 1)
        #expect(silent.circuitAddresses(of: Self.peer, relay: relay, known: nil).isEmpty)
    }

    @Test func `no bytes trap a reader`() throws {
        let seeds =
            try Self.hopMessages().map(\.bytes) + Self.stopMessages.map(\.bytes)
            + [Self.reservation().voucher ?? []]
        Mutations.run(seed: 2_002, count: 400, inputs: seeds) { bytes in
            _ = try? HopMessage(bytes: bytes)
            _ = try? StopMessage(bytes: bytes)
            _ = try? ReservationVoucher.open(bytes)
            _ = try? AutoNATMessage(bytes: bytes)
        }
    }
}
