internal import Cryptography
internal import Federation
internal import Transports

extension FederationService {
    /// What the shell is told.
    enum Input: Sendable {
        case event(Event)
        /// A peer's message; resumed when it has been dealt with.
        case message(from: PublicKey, bytes: [UInt8], done: CheckedContinuation<Void, Never>)
        /// A peer's frame of a secure round; resumed when it has been dealt with.
        case frame(from: PublicKey, bytes: [UInt8], done: CheckedContinuation<Void, Never>)
        /// A question of the membership stream; resumed with the answer, or nil if there is none.
        case membership(
            from: PublicKey, bytes: [UInt8], done: CheckedContinuation<[UInt8]?, Never>)
        case swarm(SwarmEvent)
        case tick
        /// The person wants the process to end.
        case stop
    }

    /// How a run ended.
    enum Ending: Sendable {
        /// All rounds are certified and nobody needs this node any more, or its patience is over.
        case finished
        /// Somebody asked for it.
        case stopped
    }
}
