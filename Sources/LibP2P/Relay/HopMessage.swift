internal import FoundationEssentials
internal import SwiftProtobuf

/// What a node and a relay say to each other.
///
/// Source: libp2p, Circuit Relay v2.
public enum HopMessage: Hashable, Sendable {
    /// The node asks to be reachable through the relay.
    case reserve
    /// The node asks for a circuit to a peer.
    case connect(PeerID)
    /// The relay's answer; a reservation and a limit belong to `ok` alone.
    case status(RelayStatus, RelayReservation?, CircuitLimit?)

    /// Reads a message from a peer.
    ///
    /// - Throws: `tooLarge`, `malformed`, and what is wrong with a peer id.
    public init(bytes: [UInt8]) throws(LibP2PError) {
        guard bytes.count <= RelayProtocol.messageByteCountMax else {
            throw .tooLarge(
                .relayHop, byteCount: bytes.count,
                byteCountMax: RelayProtocol.messageByteCountMax)
        }
        let message = try RelayHopMessage(wireBytes: bytes, reading: .relayHop)
        switch (message.hasType, message.type) {
        case (true, 0): self = .reserve
        case (true, 1):
            guard message.hasPeer, message.peer.hasID else { throw .malformed(.relayHop) }
            self = .connect(try PeerID(multihash: Array(message.peer.id)))
        case (true, 2):
            guard message.hasStatus else { throw .malformed(.relayHop) }
            self = .status(
                RelayStatus(rawValue: message.status),
                message.hasReservation ? RelayReservation(message.reservation) : nil,
                message.hasLimit ? CircuitLimit(message.limit) : nil)
        default: throw .malformed(.relayHop)
        }
    }

    /// The serialised message.
    public var bytes: [UInt8] {
        var message = RelayHopMessage()
        switch self {
        case .reserve: message.type = 0
        case .connect(let peer):
            message.type = 1
            message.peer = RelayPeerMessage(peer)
        case .status(let status, let reservation, let limit):
            message.type = 2
            message.status = status.rawValue
            if let reservation { message.reservation = reservation.message }
            if let limit { message.limit = limit.message }
        }
        return message.wireBytes
    }
}

extension RelayPeerMessage {
    init(_ peer: PeerID) {
        self.init()
        id = Data(peer.bytes)
    }
}
