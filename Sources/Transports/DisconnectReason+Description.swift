extension DisconnectReason: CustomStringConvertible {
    /// The reason as a person reads it.
    public var description: String {
        switch self {
        case .requested(let reason): reason
        case .shutdown: "this node shut down"
        case .remoteClosed: "the peer closed the connection"
        case .remoteGoAway(code: 0): "the peer said goodbye"
        case .remoteGoAway(let code): "the peer ended the session with code \(code)"
        case .socketFailed(let code, let detail):
            "the socket failed: \(detail)" + (code.map { " (\($0))" } ?? "")
        case .negotiationFailed(let error): "the negotiation failed: \(error)"
        case .handshakeFailed(let error): "the handshake failed: \(error)"
        case .recordInvalid(let error): "a record could not be opened: \(error)"
        case .sessionFailed(let error): "the peer broke the rules of yamux: \(error)"
        case .peerMismatch(let peer): "another peer answered: \(peer)"
        case .ownIdentity: "the peer is this node itself"
        case .timedOut: "a step took too long"
        case .resourceExhausted(let limit): "the peer met \(limit)"
        case .banned: "the peer is banned"
        case .limitReached(let limit): "a limit of this node was reached: \(limit)"
        case .remoteGoAway(code: Self.duplicateIdentityCode):
            "the peer is connected with another running node that has this node's key"
        case .duplicateIdentity: "another running node with the same key is connected"
        case .circuitEnded(let end): "\(end)"
        case .duplicate: "another connection with the peer stays"
        }
    }
}
