internal import Cryptography
internal import Federation
internal import LibP2P
internal import Logging
internal import Transports

/// Carries the frames of secure rounds: statements on one stream a direction and peer, words on
/// another, so that a heartbeat never waits for a shard.
final class FrameCarrier: Sendable {
    private let statements: GroupMessenger
    private let words: GroupMessenger
    private let beforeFrame: (@Sendable ([UInt8]) -> Void)?

    /// Makes a carrier for vectors of so many elements.
    init(
        swarm: Swarm, elementCount: Int, beforeFrame: (@Sendable ([UInt8]) -> Void)? = nil,
        logger: Logger
    ) {
        self.beforeFrame = beforeFrame
        statements = GroupMessenger(swarm: swarm, channel: .secureStatements, logger: logger)
        words = GroupMessenger(
            swarm: swarm,
            channel: .secureWords(
                byteCountMax: SecureVectorLayout.frameByteCountMax(elementCount: elementCount)),
            logger: logger)
    }

    /// Serves the streams of peers, those with words, which are long, of members alone; before the
    /// swarm starts.
    func register(
        isMember: @escaping @Sendable (PeerID) -> Bool,
        receive: @escaping @Sendable (PublicKey, [UInt8]) async -> Void
    ) {
        statements.register(receive: receive)
        words.register(maySend: isMember, receive: receive)
    }

    /// Queues a frame for each peer that is connected.
    func send(_ bytes: [UInt8], to peers: [PublicKey]) {
        beforeFrame?(bytes)
        SecureVectorLayout.isWords(bytes)
            ? words.send(bytes, to: peers) : statements.send(bytes, to: peers)
    }

    /// Opens the queues for a peer that has just connected, and writes what is queued until it is gone.
    func open(to peer: PeerID) {
        for messenger in [statements, words] {
            // Opened here: a disconnection that comes before the task has begun ends them.
            let messages = messenger.connected(peer)
            Task { await messenger.deliver(messages, to: peer) }
        }
    }

    /// Ends the delivery to a peer that is gone.
    func disconnected(_ peer: PeerID) {
        statements.disconnected(peer)
        words.disconnected(peer)
    }

    /// Ends all deliveries after what is queued.
    func finish() {
        statements.finish()
        words.finish()
    }
}
