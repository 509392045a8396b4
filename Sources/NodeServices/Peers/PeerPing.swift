internal import Cryptography
internal import Foundation
public import LibP2P
internal import Logging
internal import NIOPosix
internal import Transports

/// Dials a peer under an identity of the moment and measures how fast it answers.
///
/// It needs no running node and does not disturb one: the peer sees a stranger.
public struct PeerPing: Sendable {
    /// How a peer answered.
    public struct Answer: Sendable {
        /// Who answered.
        public let peer: PeerID
        /// Where.
        public let address: Multiaddr
        /// The times of the pings, in order.
        public let roundTrips: [Duration]
        /// What the peer calls its program; nil if it did not say.
        public let agentVersion: String?
        /// What the peer takes part in; nil if it did not say.
        public let protocolVersion: String?
        /// Where the peer sees this machine; nil if it did not say.
        public let observedAddress: Multiaddr?
    }

    /// How long a peer may take to describe itself.
    static let identifyDeadline = Duration.seconds(10)

    private let settings: NetworkSettings

    /// Takes the settings of the network, for its key.
    public init(settings: NetworkSettings) {
        self.settings = settings
    }

    /// Pings a peer at the first of its addresses that answers.
    ///
    /// - Parameter count: How often; at least once.
    /// - Throws: ``NodeError``: `network` with a sentence for each address when none answers, and
    ///   the errors of the network key.
    public func ping(
        _ addresses: [Multiaddr], count: Int
    ) async throws(NodeError) -> Answer {
        let key = try settings.key()
        var configuration = SwarmConfiguration(
            identity: SigningKey.generate(), listenAddresses: [],
            agentVersion: SwarmFactory.agentVersion, protocolVersion: "/starling/ping/1")
        configuration.networkKey = key
        let swarm = Swarm(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "ping", factory: { _ in SwiftLogNoOpLogHandler() }))
        let result: Result<Answer, NodeError>
        do {
            result = .success(
                try await ping(addresses, count: count, swarm: swarm, hasNetworkKey: key != nil))
        } catch {
            result = .failure(error)
        }
        await swarm.shutdown()
        return try result.get()
    }

    private func ping(
        _ addresses: [Multiaddr], count: Int, swarm: Swarm, hasNetworkKey: Bool
    ) async throws(NodeError) -> Answer {
        do {
            _ = try await swarm.start()
        } catch {
            throw NodeError(.network, "No socket can be opened.", cause: error)
        }
        var sentences: [String] = []
        for address in addresses {
            do throws(TransportError) {
                let peer = try await swarm.dial(address)
                let message = await Self.identified(peer, swarm)
                var roundTrips: [Duration] = []
                for _ in 0..<max(1, count) { roundTrips.append(try await swarm.ping(peer)) }
                return Answer(
                    peer: peer, address: address, roundTrips: roundTrips,
                    agentVersion: message?.agentVersion, protocolVersion: message?.protocolVersion,
                    observedAddress: message?.observedAddress)
            } catch {
                sentences.append(error.sentence(dialling: address, hasNetworkKey: hasNetworkKey))
            }
        }
        throw NodeError(.network, sentences.joined(separator: "; ") + ".")
    }

    /// What a peer says of itself; nil if it says nothing in time.
    static func identified(_ peer: PeerID, _ swarm: Swarm) async -> IdentifyMessage? {
        await withTaskGroup(of: IdentifyMessage?.self) { group in
            group.addTask {
                for await event in swarm.events {
                    if case .identified(peer, let message, _) = event { return message }
                    if case .disconnected(peer, _) = event { return nil }
                }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: identifyDeadline)
                return nil
            }
            let message = await group.next() ?? nil
            group.cancelAll()
            return message
        }
    }
}
