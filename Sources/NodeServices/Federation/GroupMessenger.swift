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
    /// What a messenger carries.
    struct Channel: Sendable {
        /// The id of the streams' protocol.
        let protocolID: String
        /// The longest message.
        let messageByteCountMax: Int
        /// The messages that may wait for one peer.
        let queueLengthMax: Int

        /// The federation's messages.
        ///
        /// 48 KiB: network.md calls for frames below gossip's smallest limit. 512: some rounds'
        /// worth for 64 members.
        static let group = Channel(
            protocolID: "/starling/group/1.0.0", messageByteCountMax: 48 << 10,
            queueLengthMax: 512)
        /// Statements of secure rounds.
        ///
        /// 512: a member answers a heartbeat with all that a round has, for 64 members.
        static let secureStatements = Channel(
            protocolID: "/starling/secure/1.0.0", messageByteCountMax: 17 << 10,
            queueLengthMax: 512)

        /// Words of secure rounds.
        ///
        /// 160: two shards of each of 64 members, and what an audit shows.
        static func secureWords(byteCountMax: Int) -> Channel {
            Channel(
                protocolID: "/starling/secure-words/1.0.0", messageByteCountMax: byteCountMax,
                queueLengthMax: 160)
        }
    }

    private let swarm: Swarm
    private let channel: Channel
    private let logger: Logger
    /// The streams that each peer has open, oldest first.
    private let inbound = Mutex<[PeerID: [SwarmStream]]>([:])
    /// One, and another that takes its place: what is read of a stream waits for its turn in memory.
    private static let inboundCountMaxPerPeer = 2
    private let outboxes = Mutex<[PeerID: AsyncStream<[UInt8]>.Continuation]>([:])

    init(swarm: Swarm, channel: Channel = .group, logger: Logger) {
        self.swarm = swarm
        self.channel = channel
        self.logger = logger
    }

    /// Serves the streams of peers; before the swarm starts.
    ///
    /// `receive` returns when the message is dealt with, so a peer can have one message of each stream in
    /// this node's hands, and of its streams only the newest are read. Nothing is read from peers that may
    /// not send here.
    func register(
        maySend: @escaping @Sendable (PeerID) -> Bool = { _ in true },
        receive: @escaping @Sendable (PublicKey, [UInt8]) async -> Void
    ) {
        let logger = logger
        let byteCountMax = channel.messageByteCountMax
        swarm.register(protocol: channel.protocolID) { peer, stream in
            guard maySend(peer) else {
                stream.reset()
                return
            }
            guard let key = peer.publicKey else {
                logger.warning("group stream refused: the peer's key is not Ed25519")
                stream.reset()
                return
            }
            self.enter(stream, of: peer)
            defer { self.leave(stream, of: peer) }
            do {
                while let message = try await stream.readLengthPrefixed(
                    maxByteCount: byteCountMax
                ) {
                    await receive(key, message)
                }
            } catch {
                logger.debug("group stream ended", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func enter(_ stream: SwarmStream, of peer: PeerID) {
        let surplus = inbound.withLock { inbound -> SwarmStream? in
            var streams = inbound[peer] ?? []
            streams.append(stream)
            let isFull = streams.count > Self.inboundCountMaxPerPeer
            let surplus = isFull ? streams.removeFirst() : nil
            inbound[peer] = streams
            return surplus
        }
        guard let surplus else { return }
        logger.info("a group stream gives way to a newer one", metadata: ["peer": "\(peer)"])
        surplus.reset()
    }

    private func leave(_ stream: SwarmStream, of peer: PeerID) {
        inbound.withLock { inbound in
            inbound[peer]?.removeAll { $0 === stream }
            if inbound[peer]?.isEmpty == true { inbound[peer] = nil }
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
            of: [UInt8].self, bufferingPolicy: .bufferingNewest(channel.queueLengthMax)
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
                    open = try await swarm.openStream(to: peer, protocol: channel.protocolID)
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
