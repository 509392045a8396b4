internal import Cryptography
internal import Federation
internal import LibP2P
internal import Logging
internal import Synchronization
internal import Transports

/// Serves the membership stream: one question, one answer.
///
/// It is the one stream of the federation that a node without a certificate gets an answer on.
final class MembershipService: Sendable {
    /// The id of the streams' protocol.
    static let protocolID = "/starling/membership/1.0.0"
    /// How long a stream may take.
    private static let deadline = Duration.seconds(10)
    private let logger: Logger
    /// Each stream costs three signature checks.
    private let places = Mutex(StreamPlaces(countMax: 16, countMaxPerPeer: 2))

    init(logger: Logger) {
        self.logger = logger
    }

    /// Serves the protocol at a swarm; before the swarm starts.
    ///
    /// `answer` gives the answer to a question, or nil for a node that ends.
    func register(
        at swarm: Swarm, answer: @escaping @Sendable (PublicKey, [UInt8]) async -> [UInt8]?
    ) {
        swarm.register(protocol: Self.protocolID) { [self] peer, stream in
            await serve(stream, to: peer, answer: answer)
        }
    }

    private func serve(
        _ stream: any MessageStream, to peer: PeerID,
        answer: @Sendable (PublicKey, [UInt8]) async -> [UInt8]?
    ) async {
        guard let key = peer.publicKey, places.withLock({ $0.take(for: peer) }) else {
            stream.reset()
            return
        }
        defer { places.withLock { $0.leave(peer) } }
        let watch = Task {
            try? await Task.sleep(for: Self.deadline)
            if !Task.isCancelled { stream.reset() }
        }
        defer { watch.cancel() }
        do {
            guard
                let question = try await stream.readLengthPrefixed(
                    maxByteCount: MembershipExchange.requestByteCountMax),
                let reply = await answer(key, question)
            else {
                stream.reset()
                return
            }
            try await stream.writeLengthPrefixed(reply)
            await stream.closeWrite()
        } catch {
            logger.debug("membership stream ended", metadata: ["reason": "\(error)"])
            stream.reset()
        }
    }
}
