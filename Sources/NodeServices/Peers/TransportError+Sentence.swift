internal import Foundation
internal import LibP2P
internal import Transports

extension TransportError {
    /// What went wrong with dialling an address, and what to look at, in one sentence.
    ///
    /// - Parameter hasNetworkKey: Whether this node dialled under a network key.
    func sentence(dialling address: Multiaddr, hasNetworkKey: Bool) -> String {
        switch self {
        case .dialFailed(_, ECONNREFUSED?, _):
            "nothing listens at \(address): the node there is stopped, or the port is another"
        case .dialFailed(_, ENETUNREACH?, _), .dialFailed(_, EHOSTUNREACH?, _):
            "there is no way to \(address): check the address and this machine's network"
        case .dialFailed(_, nil, let detail) where address.isName:
            "the name in \(address) can't be resolved: \(detail)"
        case .dialFailed(_, let code, let detail):
            "\(address) can't be dialled: \(code.map(Self.text(of:)) ?? detail)"
        case .dialTimedOut(_, let limit):
            "\(address) didn't answer within \(limit / .seconds(1)) s: check the address, the "
                + "firewall and the forwarded port"
        case .peerMismatch(let expected, let actual):
            "at \(address) another peer answers, \(actual) in place of \(expected): get the "
                + "address anew"
        case .dialledSelf: "\(address) is this node itself"
        case .upgradeFailed(.security, _):
            hasNetworkKey
                ? "\(address) answers, but not under this network key: it has another one or none"
                : "\(address) answers, but not as libp2p: it is another program, or a private "
                    + "network that needs --network-key"
        case .upgradeFailed(let stage, let reason):
            "\(address) broke off in its \(stage.rawValue): \(reason)"
        case .unsupportedAddress: "\(address) is not an address of plain TCP"
        case .connectionLimitReached(let limit): "\(limit) is reached here"
        case .banned: "\(address) is banned here; 'starling peers unban' lifts it"
        case .penalised(let remaining):
            "the peer at \(address) broke the rules and is not talked to for another "
                + "\(Int(remaining / .seconds(1)) + 1) s"
        case .connectionClosed(let reason): "the connection to \(address) ended: \(reason)"
        case .relayRefused(let status): "the relay in \(address) refused: \(status)"
        case .circuitTooSmall(let limit, _):
            "the relay in \(address) lets only \(limit) through, too little for updates"
        case .timedOut(let limit):
            "the peer at \(address) didn't answer within \(limit / .seconds(1)) s"
        default: "\(address): \(self)"
        }
    }

    private static func text(of code: Int32) -> String {
        unsafe String(cString: strerror(code))
    }
}

extension Multiaddr {
    /// Whether the host is a name that has to be looked up.
    var isName: Bool { components.first?.name?.hasPrefix("dns") ?? false }
}
