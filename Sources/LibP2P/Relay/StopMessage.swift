internal import FoundationEssentials
internal import SwiftProtobuf

/// What a relay and the far end of a circuit say to each other.
///
/// Source: libp2p, Circuit Relay v2.
public enum StopMessage: Hashable, Sendable {
    /// The relay offers a circuit from a peer, under a limit.
    case connect(PeerID, CircuitLimit)
    /// The far end's answer.
    case status(RelayStatus)

    /// Reads a message from a peer.
    ///
    /// - Throws: `tooLarge`, `malformed`, and what is wrong with a peer id.
    public init(bytes: [UInt8]) throws(LibP2PError) {
        guard bytes.count <= RelayProtocol.messageByteCountMax else {
            throw .tooLarge(
                .relayStop, byteCount: bytes.count,
                byteCountMax: RelayProtocol.messageByteCountMax)
        }
        let message = try RelayStopMessage(wireBytes: bytes, reading: .relayStop)
        switch (message.hasType, message.type) {
        case (true, 0):
            guard message.hasPeer, message.peer.hasID else { throw .malformed(.relayStop) }
            self = .connect(
                try PeerID(multihash: Array(message.peer.id)),
                message.hasLimit ? CircuitLimit(message.limit) : .none)
        case (true, 1):
            guard message.hasStatus else { throw .malformed(.relayStop) }
            self = .status(RelayStatus(rawValue: message.status))
        default: throw .malformed(.relayStop)
        }
    }

    /// The serialised message.
    public var bytes: [UInt8] {
        var message = RelayStopMessage()
        switch self {
        case .connect(let peer, let limit):
            message.type = 0
            message.peer = RelayPeerMessage(peer)
            message.limit = limit.message
        case .status(let status):
            message.type = 1
            message.status = status.rawValue
        }
        return message.wireBytes
    }
}
