internal import Cryptography
internal import LibP2P
internal import Logging
internal import Synchronization
internal import Transports

/// Carries the federation's messages: one stream a direction and peer, messages behind their
/// lengths.
///
/// Messages to a peer wait in a queue of bounded length. When it is full the oldest goes: the
/// protocol says everything again, and the newest message knows most.
final class GroupMessenger: Sendable {
    static let protocolID = "/starling/group/1.0.0"
    /// The longest message; network.md calls for frames below gossip's smallest limit.
    static let messageByteCountMax = 48 << 10
    /// The messages that may wait for one peer: some rounds' worth for 64 members.
    static let queueLengthMax = 512

    private let swarm: Swarm
    private let logger: Logger
    private let outboxes = Mutex<[PeerID: AsyncStream<[UInt8]>.Continuation]>([:])

    init(swarm: Swarm, logger: Logger) {
        self.swarm = swarm
        self.logger = logger
    }

    /// Serves the streams of peers; before the swarm starts.
    ///
    /// `receive` returns when the message is dealt with, so a peer can have one message at a time
    /// in this node's hands.
    func register(receive: @escaping @Sendable (PublicKey, [UInt8]) async -> Void) {
        let logger = logger
        swarm.register(protocol: Self.protocolID) { peer, stream in
            guard let key = peer.publicKey else {
                logger.warning("group stream refused: the peer's key is not Ed25519")
                stream.reset()
                return
            }
            do {
                while let message = try await stream.readLengthPrefixed(
                    maxByteCount: Self.messageByteCountMax
                ) {
                    await receive(key, message)
                }
            } catch {
                logger.debug("group stream ended", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Queues a message for each peer that is connected; the others miss it.
    func send(_ bytes: [UInt8], to peers: [PublicKey]) {
        outboxes.withLock { outboxes in
            for key in peers {
                outboxes[PeerID(publicKey: key)]?.yield(bytes)
            }
        }
    }

    /// Opens the queue for a peer that has just connected.
    func connected(_ peer: PeerID) -> AsyncStream<[UInt8]> {
        let (messages, continuation) = AsyncStream.makeStream(
            of: [UInt8].self, bufferingPolicy: .bufferingNewest(Self.queueLengthMax)
        )
        outboxes.withLock { $0.updateValue(continuation, forKey: peer) }?.finish()
        return messages
    }

    /// Writes what is queued for a peer until ``disconnected(_:)`` or until cancelled.
    func deliver(_ messages: AsyncStream<[UInt8]>, to peer: PeerID) async {
        var stream: SwarmStream?
        for await message in messages {
            do {
                let open: SwarmStream
                if let stream {
                    open = stream
                } else {
                    open = try await swarm.openStream(to: peer, protocol: Self.protocolID)
                }
                stream = open
                try await open.writeLengthPrefixed(message)
            } catch {
                logger.debug(
                    "message not delivered",
                    metadata: ["peer": "\(peer)", "reason": "\(error)"]
                )
                stream = nil
            }
        }
        await stream?.closeWrite()
    }

    /// Ends the delivery to a peer that is gone.
    func disconnected(_ peer: PeerID) {
        outboxes.withLock { $0.removeValue(forKey: peer) }?.finish()
    }

    /// Ends all deliveries after what is queued.
    func finish() {
        let all = outboxes.withLock { outboxes in
            defer { outboxes = [:] }
            return Array(outboxes.values)
        }
        for continuation in all { continuation.finish() }
    }
}
