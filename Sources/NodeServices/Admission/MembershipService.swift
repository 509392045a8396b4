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
    /// Streams at a time, of all peers: each costs three signature checks.
    private static let streamCountMax = 16
    /// Those of one peer.
    private static let streamCountMaxPerPeer = 2

    private let logger: Logger
    private let streamCounts = Mutex<[PeerID: Int]>([:])

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
        guard let key = peer.publicKey, takePlace(for: peer) else {
            stream.reset()
            return
        }
        defer { leavePlace(of: peer) }
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

    private func takePlace(for peer: PeerID) -> Bool {
        streamCounts.withLock { counts in
            guard counts.values.reduce(0, +) < Self.streamCountMax,
                counts[peer, default: 0] < Self.streamCountMaxPerPeer
            else { return false }
            counts[peer, default: 0] += 1
            return true
        }
    }

    private func leavePlace(of peer: PeerID) {
        streamCounts.withLock { counts in
            let rest = (counts[peer] ?? 1) - 1
            counts[peer] = rest > 0 ? rest : nil
        }
    }
}
