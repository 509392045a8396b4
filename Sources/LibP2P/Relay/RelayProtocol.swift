/// The ids and bounds of circuit relay v2.
///
/// Source: libp2p, Circuit Relay v2.
public enum RelayProtocol {
    /// Asks a relay for a reservation or for a circuit.
    public static let hopProtocolID = "/libp2p/circuit/relay/0.2.0/hop"
    /// Offers a circuit to the peer that it is meant for.
    public static let stopProtocolID = "/libp2p/circuit/relay/0.2.0/stop"
    /// The greatest message; go-libp2p's figure.
    public static let messageByteCountMax = 4_096
    /// Further addresses of a reservation are not kept: those of two relays, and a node's own, fit an
    /// identify message.
    public static let addressCountMax = 6
}

/// What a relay, or the far end of a circuit, answers; the numbers are on the wire.
public struct RelayStatus: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number.
    public let rawValue: UInt32

    /// Names a number, known or not.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// It is done.
    public static let ok = RelayStatus(rawValue: 100)
    /// The relay makes no reservation for this peer.
    public static let reservationRefused = RelayStatus(rawValue: 200)
    /// A bound of the relay is reached.
    public static let resourceLimitExceeded = RelayStatus(rawValue: 201)
    /// This peer may not do that.
    public static let permissionDenied = RelayStatus(rawValue: 202)
    /// The far end did not take the circuit.
    public static let connectionFailed = RelayStatus(rawValue: 203)
    /// The far end has no reservation.
    public static let noReservation = RelayStatus(rawValue: 204)
    /// The message could not be read.
    public static let malformedMessage = RelayStatus(rawValue: 400)
    /// The message does not belong there.
    public static let unexpectedMessage = RelayStatus(rawValue: 401)

    /// The status as a person reads it.
    public var description: String {
        switch self {
        case .ok: "done"
        case .reservationRefused: "it makes no reservation for this node"
        case .resourceLimitExceeded: "a limit of it is reached"
        case .permissionDenied: "it does not permit that"
        case .connectionFailed: "it could not reach the other side"
        case .noReservation: "the other side has no reservation with it"
        case .malformedMessage: "it could not read the message"
        case .unexpectedMessage: "it did not expect the message"
        default: "status \(rawValue)"
        }
    }
}
