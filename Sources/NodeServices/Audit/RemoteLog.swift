internal import Cryptography
internal import Foundation
internal import GossipLog
internal import LibP2P
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Transports

/// The log of a running node, asked over the network.
struct RemoteLog {
    /// The node.
    let member: PublicKey
    private let stream: any MessageStream

    /// How long the node may take for an answer.
    private static let answerDeadline = Duration.seconds(20)

    init(member: PublicKey, stream: any MessageStream) {
        self.member = member
        self.stream = stream
    }

    /// Dials a node with a key made for the occasion, and runs `body` with its log.
    ///
    /// - Throws: ``NodeError`` with code `network`, or what `body` throws.
    static func asking<Result>(
        _ address: Multiaddr, logger: Logger,
        _ body: (RemoteLog) async throws(NodeError) -> Result
    ) async throws(NodeError) -> Result {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let swarm = Swarm(
            configuration: SwarmConfiguration(
                identity: SigningKey.generate(), listenAddresses: [],
                agentVersion: SwarmFactory.agentVersion,
                protocolVersion: "/starling/joining/1"),
            eventLoopGroup: group, logger: logger)
        let result: Swift.Result<Result, NodeError>
        do {
            result = .success(try await body(try await open(address, on: swarm)))
        } catch {
            result = .failure(error)
        }
        await swarm.shutdown()
        try? await group.shutdownGracefully()
        return try result.get()
    }

    private static func open(
        _ address: Multiaddr, on swarm: Swarm
    ) async throws(NodeError) -> RemoteLog {
        do {
            _ = try await swarm.start()
            let peer = try await swarm.dial(address)
            guard let member = peer.publicKey else {
                throw NodeError(.network, "The peer \(peer) has no Ed25519 key.")
            }
            let stream = try await swarm.openMessageStream(
                to: peer, protocol: WitnessService.protocolID)
            return RemoteLog(member: member, stream: stream)
        } catch let error as NodeError {
            throw error
        } catch {
            throw NodeError(
                .network, "Nobody shows a log at \(address); is it a running starling?",
                cause: error)
        }
    }

    /// The answer to a query; empty where the node has none.
    ///
    /// - Throws: ``NodeError`` with code `network`.
    func ask(_ query: LogQuery) async throws(NodeError) -> [UInt8] {
        let stream = stream
        let deadline = Task {
            try? await Task.sleep(for: Self.answerDeadline)
            if !Task.isCancelled { stream.reset() }
        }
        defer { deadline.cancel() }
        do {
            try await stream.writeLengthPrefixed(query.bytes)
            guard
                let answer = try await stream.readLengthPrefixed(
                    maxByteCount: WitnessService.messageByteCountMax)
            else { throw NodeError(.network, "The node ended the stream without an answer.") }
            return answer
        } catch let error as NodeError {
            throw error
        } catch {
            throw NodeError(.network, "The node did not answer.", cause: error)
        }
    }
}
