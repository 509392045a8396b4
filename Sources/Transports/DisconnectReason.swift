public import LibP2P

/// Why a connection ended.
public enum DisconnectReason: Hashable, Sendable {
    /// This node asked for it.
    case requested(String)
    /// The swarm was shut down.
    case shutdown
    /// The other side closed the socket.
    case remoteClosed
    /// The other side ended the session; the code is 0 for a normal end.
    case remoteGoAway(code: UInt32)
    /// The socket failed; the code is `errno` where the system gave one.
    case socketFailed(code: Int32?, detail: String)
    /// A multistream-select step failed.
    case negotiationFailed(LibP2PError)
    /// The Noise handshake failed.
    case handshakeFailed(LibP2PError)
    /// A Noise record could not be opened.
    case recordInvalid(LibP2PError)
    /// The peer broke the rules of yamux.
    case sessionFailed(YamuxError)
    /// The other side proved another identity than was expected.
    case peerMismatch(PeerID)
    /// The peer is this node itself.
    case ownIdentity
    /// A step took longer than its limit.
    case timedOut
    /// A limit of this node was reached.
    case limitReached(Int)
    /// The peer took more of this node than is allowed.
    case resourceExhausted(ResourceLimit)
    /// The peer, or its address, is banned here.
    case banned
    /// The circuit through a relay ended before the connection did.
    case circuitEnded(CircuitEnd)
    /// Another connection with the same peer was kept.
    case duplicate
    /// Another running process with the same identity is connected and answers.
    case duplicateIdentity
}

extension DisconnectReason {
    /// The code of a go-away that tells a process of this project that another one with its identity
    /// is connected and lives; the yamux specification uses 0 to 2.
    public static let duplicateIdentityCode: UInt32 = 0x5347

    /// Whether the peer broke a rule that no honest peer breaks.
    var isOffence: Bool {
        switch self {
        case .resourceExhausted: true
        case .sessionFailed(let error):
            switch error {
            case .keepAliveTimeout, .remoteGoAway, .sessionEnding, .streamIDsExhausted: false
            default: true
            }
        default: false
        }
    }
}
