internal import Cryptography
internal import LibP2P
internal import Logging
internal import NIOPosix
internal import Synchronization
internal import Transports

/// Answers other nodes' questions whether they can be dialled, and what time it is here; in the
/// words of AutoNAT too, for nodes of other programs.
///
/// It dials only the host that asks, so that nobody can have it knock elsewhere; a few addresses a
/// question, a question in ten seconds from a peer, four at a time.
final class ReachabilityService: Sendable {
    private struct State {
        var askedAt: [PeerID: Duration] = [:]
        var underWayCount = 0
    }

    /// The time between two questions of one peer that are answered.
    static let interval = Duration.seconds(10)
    /// Questions that are answered at a time.
    static let countMax = 4
    /// The time for one address.
    static let dialTimeout = Duration.seconds(5)
    /// The time for the question to come.
    static let questionDeadline = Duration.seconds(10)

    /// The protocolVersion of whoever dials to find out whether a node can be dialled.
    static let protocolVersion = "/starling/check/1"

    private let swarm: Swarm
    private let networkKey: NetworkKey?
    private let clock: ServiceClock
    private let logger: Logger
    private let state = Mutex(State())

    init(
        swarm: Swarm, networkKey: NetworkKey?, clock: ServiceClock = .system, logger: Logger
    ) {
        self.swarm = swarm
        self.networkKey = networkKey
        self.clock = clock
        self.logger = logger
    }

    /// Serves the protocol; before the swarm starts.
    func register() {
        swarm.register(protocol: ReachabilityCheck.protocolID) { peer, stream in
            await self.serve(stream, from: peer) { bytes in
                let question = try ReachabilityCheck.Question(bytes: bytes)
                return await self.answer(question, host: stream.remoteAddress).bytes
            }
        }
        swarm.register(protocol: AutoNATMessage.protocolID) { peer, stream in
            await self.serve(stream, from: peer) { bytes in
                let question = try? AutoNATMessage(bytes: bytes)
                return await self.answer(question, of: peer, host: stream.remoteAddress).bytes
            }
        }
    }

    private func serve(
        _ stream: SwarmStream, from peer: PeerID, answer: ([UInt8]) async throws -> [UInt8]
    ) async {
        guard admit(peer) else {
            logger.info("check refused", metadata: ["peer": "\(peer)", "reason": "too soon"])
            return stream.reset()
        }
        defer { state.withLock { $0.underWayCount -= 1 } }
        let watch = Task { [clock] in
            do { try await clock.sleep(Self.questionDeadline) } catch { return }
            stream.reset()
        }
        do {
            let bytes = try await stream.readLengthPrefixed(
                maxByteCount: ReachabilityCheck.messageByteCountMax)
            watch.cancel()
            guard let bytes else { return }
            try await stream.writeLengthPrefixed(try await answer(bytes))
            await stream.closeWrite()
        } catch {
            watch.cancel()
            logger.info(
                "check not answered", metadata: ["peer": "\(peer)", "reason": "\(error)"])
            stream.reset()
        }
    }

    private func admit(_ peer: PeerID) -> Bool {
        let now = clock.now()
        return state.withLock { state in
            state.askedAt = state.askedAt.filter { now - $0.value < Self.interval }
            guard state.askedAt[peer] == nil, state.underWayCount < Self.countMax else {
                return false
            }
            state.askedAt[peer] = now
            state.underWayCount += 1
            return true
        }
    }

    private func answer(
        _ question: ReachabilityCheck.Question, host: Multiaddr
    ) async -> ReachabilityCheck.Answer {
        let now = clock.unixMilliseconds()
        guard let record = question.record else {
            return ReachabilityCheck.Answer(
                unixMilliseconds: now, observedAddress: host, trials: [], sessions: [])
        }
        let sessions = swarm.snapshot().connections.filter { $0.peer == record.peerID }
            .map {
                ReachabilityCheck.Session(address: $0.address, agent: $0.agentVersion ?? "")
            }
        var trials: [ReachabilityCheck.Trial] = []
        for address in record.record.addresses.prefix(ReachabilityCheck.addressCountMax) {
            let outcome = await self.dial(address, of: record.peerID, host: host)
            trials.append(ReachabilityCheck.Trial(address: address, outcome: outcome))
        }
        return ReachabilityCheck.Answer(
            unixMilliseconds: now, observedAddress: host, trials: trials, sessions: sessions)
    }

    /// Answers in the words of AutoNAT: the first address that is reached, or why there is none.
    private func answer(
        _ question: AutoNATMessage?, of peer: PeerID, host: Multiaddr
    ) async -> AutoNATMessage {
        // Nobody asks for others here: the connection is the proof of the identity.
        guard case .dial(let named, let addresses) = question, named == peer else {
            return .response(.badRequest, text: "no question about its asker", nil)
        }
        var hasTried = false
        for address in addresses.prefix(ReachabilityCheck.addressCountMax) {
            switch await dial(address, of: peer, host: host) {
            case .reached: return .response(.ok, text: "", address)
            case .foreignHost, .busy: break
            case .notConnected, .otherPeer, .otherProgram: hasTried = true
            }
        }
        return hasTried
            ? .response(.dialError, text: "no address was reached", nil)
            : .response(.dialRefused, text: "no address is of the host that asks", nil)
    }

    /// Dials under an identity of the moment, so that a connection that is there says nothing.
    private func dial(
        _ address: Multiaddr, of peer: PeerID, host: Multiaddr
    ) async -> ReachabilityCheck.Outcome {
        guard address.tcpEndpoint != nil, !address.isUnspecified,
            let named = try? address.appending(peer), let host = host.tcpEndpoint?.host
        else { return .foreignHost }
        var limits = TransportLimits()
        limits.dialTimeout = Self.dialTimeout
        limits.upgradeTimeout = Self.dialTimeout
        var configuration = SwarmConfiguration(
            identity: SigningKey.generate(), listenAddresses: [],
            agentVersion: SwarmFactory.agentVersion, protocolVersion: Self.protocolVersion,
            limits: limits)
        configuration.networkKey = networkKey
        configuration.dialledHosts = [host]
        let dialler = Swarm(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "check", factory: { _ in SwiftLogNoOpLogHandler() }))
        let outcome: ReachabilityCheck.Outcome
        do throws(TransportError) {
            _ = try await dialler.start()
            try await dialler.dial(named)
            outcome = .reached
        } catch {
            outcome =
                switch error {
                case .hostNotAllowed: .foreignHost
                case .peerMismatch: .otherPeer
                case .upgradeFailed: .otherProgram
                default: .notConnected
                }
        }
        await dialler.shutdown()
        return outcome
    }
}
