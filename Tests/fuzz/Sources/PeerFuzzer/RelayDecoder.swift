internal import Cryptography

@testable internal import LibP2P

/// What relays, and peers that dial back, say on their streams, and a relay's signed voucher.
enum RelayDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        let voucher = ReservationVoucher(
            relay: Samples.peers[0], peer: Samples.peers[1], expirationSeconds: 1_800_000_000)
        guard let envelope = try? voucher.sealed(by: Samples.keys[0]) else {
            preconditionFailure("a voucher of the key's own relay was refused")
        }
        let reservation = RelayReservation(
            expirationSeconds: 1_800_000_000, addresses: Array(Samples.addresses.prefix(2)),
            voucher: envelope.bytes)
        let limit = CircuitLimit(seconds: 120, byteCount: 131_072)
        let hops: [HopMessage] = [
            .reserve, .connect(Samples.peers[1]), .status(.ok, reservation, limit),
            .status(.reservationRefused, nil, nil),
        ]
        let stops: [StopMessage] = [.connect(Samples.peers[2], limit), .status(.ok)]
        let questions: [AutoNATMessage] = [
            .dial(Samples.peers[0], Samples.addresses),
            .response(.ok, text: "", Samples.addresses[0]),
            .response(.dialError, text: "no route", nil),
        ]
        return hops.map(\.bytes) + stops.map(\.bytes) + questions.map(\.bytes) + [envelope.bytes]
    }

    static func read(_ input: [UInt8]) {
        if let hop = try? HopMessage(bytes: input) {
            precondition((try? HopMessage(bytes: hop.bytes)) == hop, "a message differs")
            if case .status(_, let reservation?, _) = hop {
                _ = try? reservation.verify(relay: Samples.peers[0], peer: Samples.peers[1])
                _ = reservation.circuitAddresses(
                    of: Samples.peers[1], relay: Samples.peers[0], known: Samples.addresses[0])
            }
        }
        if let stop = try? StopMessage(bytes: input) {
            precondition((try? StopMessage(bytes: stop.bytes)) == stop, "an offer differs")
        }
        if let message = try? AutoNATMessage(bytes: input) {
            precondition((try? AutoNATMessage(bytes: message.bytes)) == message, "it differs")
        }
        _ = try? ReservationVoucher.open(input)
    }
}
