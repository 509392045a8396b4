internal import Cryptography
internal import Foundation
public import LibP2P
internal import Logging
internal import NIOPosix
internal import Transports

/// Looks at what has to be right for a node to take part: its key, its port, its peers, its told
/// address, its clock, and that nobody else uses its identity.
///
/// It works beside a running node, which it does not disturb, and in place of one that is stopped:
/// then it listens where the node would. Peers see an identity of the moment.
public struct NetworkDoctor: Sendable {
    /// Peers that are asked.
    static let peerCountMax = 3
    /// A clock so far off is worth a word; signatures and rounds do not depend on clocks.
    static let skewNoticed = Duration.seconds(5)
    /// A clock so far off spoils logs and sequence numbers.
    static let skewHarmful = Duration.seconds(60)

    let home: NodeHome
    let settings: NodeSettings
    let peers: [Multiaddr]
    let clock: ServiceClock

    /// Names a home and how its node is run.
    ///
    /// - Parameter peers: Whom to ask besides those that the home knows.
    public init(home: NodeHome, settings: NodeSettings, peers: [Multiaddr] = []) {
        self.init(home: home, settings: settings, peers: peers, clock: .system)
    }

    init(home: NodeHome, settings: NodeSettings, peers: [Multiaddr], clock: ServiceClock) {
        self.home = home
        self.settings = settings
        self.peers = peers
        self.clock = clock
    }

    /// What the node is, as far as it can be told.
    struct Subject {
        var identity: SigningKey?
        /// Who answers where the node can be dialled: the node, or before it has a key an identity
        /// of the moment.
        var answering: SigningKey?
        var networkKey: NetworkKey?
        /// What the running node says; nil if none runs.
        var live: NetworkSnapshot?
        /// Where the node can be dialled as it says.
        var told: [Multiaddr] = []
    }

    /// Looks at everything, in the order of ``NetworkCheck/Subject``.
    public func run() async -> [NetworkCheck] {
        var subject = Subject()
        var checks = checkKey(&subject)
        let logger = Logger(label: "doctor", factory: { _ in SwiftLogNoOpLogHandler() })
        var stand: Swarm?
        checks.append(await checkBind(&subject, &stand, logger: logger))
        var configuration = SwarmConfiguration(
            identity: SigningKey.generate(), listenAddresses: [],
            agentVersion: SwarmFactory.agentVersion, protocolVersion: "/starling/doctor/1")
        configuration.networkKey = subject.networkKey
        let asker = Swarm(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger)
        checks += await checkPeers(subject, asker)
        await asker.shutdown()
        await stand?.shutdown()
        return checks
    }

    // MARK: Key

    private func checkKey(_ subject: inout Subject) -> [NetworkCheck] {
        var checks: [NetworkCheck] = []
        if FileManager.default.fileExists(atPath: home.identityFile.path) {
            do {
                let key = try IdentityFile.load(at: home.identityFile)
                subject.identity = key
                checks.append(
                    NetworkCheck(.key, .passed, "the node is \(PeerID(publicKey: key.publicKey))"))
            } catch {
                checks.append(
                    NetworkCheck(
                        .key, .failed, error.message,
                        repair: "mend the file as it says, or move it away for a new identity"))
            }
        } else {
            checks.append(
                NetworkCheck(
                    .key, .skipped, "there is no key at \(home.identityFile.path) yet",
                    repair: "'starling init' or 'starling run' makes one"))
        }
        do {
            subject.networkKey = try settings.network.key()
            if let key = subject.networkKey {
                checks.append(
                    NetworkCheck(
                        .key, .passed,
                        "the network key is \(key.fingerprint); every member needs the same"))
            }
        } catch {
            checks.append(
                NetworkCheck(
                    .key, .failed, error.message,
                    repair: "name the file that the other members have with --network-key"))
        }
        return checks
    }

    // MARK: Port

    private func checkBind(
        _ subject: inout Subject, _ stand: inout Swarm?, logger: Logger
    ) async -> NetworkCheck {
        let texts = SwarmFactory.listenTexts(settings.listen)
        let told = (settings.advertise ?? []).compactMap { try? Multiaddr($0) }
        if let live = NetworkSnapshot.read(home.networkFile) {
            subject.live = live
            subject.answering = subject.identity
            let announced = live.advertised.isEmpty ? live.listening : live.advertised
            subject.told = announced.compactMap { try? Multiaddr($0) }
            return NetworkCheck(
                .bind, .passed,
                "the node runs as process \(live.processID) and "
                    + (live.listening.isEmpty
                        ? "listens nowhere, as it was told"
                        : "listens at " + live.listening.joined(separator: ", ")))
        }
        guard !texts.isEmpty else {
            subject.told = told
            return NetworkCheck(.bind, .passed, "the node listens nowhere, as it was told")
        }
        var addresses: [Multiaddr] = []
        for text in texts {
            guard let address = try? Multiaddr(text), address.tcpEndpoint != nil else {
                return NetworkCheck(
                    .bind, .failed, "'\(text)' is no address to listen at",
                    repair: "write --listen /ip4/0.0.0.0/tcp/\(SwarmFactory.standardPort)")
            }
            addresses.append(address)
        }
        let answering = subject.identity ?? SigningKey.generate()
        var configuration = SwarmConfiguration(
            identity: answering, listenAddresses: addresses,
            agentVersion: SwarmFactory.agentVersion, protocolVersion: "/starling/doctor/1")
        configuration.networkKey = subject.networkKey
        let swarm = Swarm(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger)
        do throws(TransportError) {
            let bound = try await swarm.start()
            stand = swarm
            subject.answering = answering
            subject.told = told.isEmpty ? bound : told
            return NetworkCheck(
                .bind, .passed,
                "the node can listen at " + bound.map(\.description).joined(separator: ", "))
        } catch {
            await swarm.shutdown()
            return Self.bindFailure(error)
        }
    }

    private static func bindFailure(_ error: TransportError) -> NetworkCheck {
        guard case .bindFailed(let address, let code, let detail) = error else {
            return NetworkCheck(
                .bind, .failed, "\(error)", repair: "name another address with --listen")
        }
        let repair =
            switch code {
            case EADDRINUSE:
                "end the program that uses the port ('ss -ltnp' names it), or give another port "
                    + "with --listen"
            case EADDRNOTAVAIL:
                "that address is not this machine's; listen at 0.0.0.0 or ::, and tell others "
                    + "the outer address with --advertise"
            case EACCES: "ports below 1024 need a privilege; give one above with --listen"
            default: "name another address with --listen"
            }
        return NetworkCheck(
            .bind, .failed, "\(address) can't be listened at: \(detail)", repair: repair)
    }

    // MARK: Peers

    private func checkPeers(_ subject: Subject, _ swarm: Swarm) async -> [NetworkCheck] {
        let candidates = await candidates(subject)
        guard !candidates.isEmpty else {
            return [
                NetworkCheck(
                    .peers, .skipped, "no peer is known to ask",
                    repair: "name one with --peer, or add one with 'starling peers add'")
            ]
        }
        do {
            _ = try await swarm.start()
        } catch {
            return [NetworkCheck(.peers, .failed, "no socket can be opened: \(error)")]
        }
        var failures: [String] = []
        var replies: [ReachabilityAsker.Reply] = []
        var silentCount = 0
        let asker = ReachabilityAsker(streams: swarm, clock: clock)
        for address in candidates where replies.count + silentCount < Self.peerCountMax {
            do throws(TransportError) {
                let peer = try await swarm.dial(address)
                guard !replies.contains(where: { $0.peer == peer }) else { continue }
                do throws(TransportError) {
                    let roundTrip = try await swarm.ping(peer)
                    replies.append(
                        try await asker.ask(
                            peer, about: record(of: subject), roundTrip: roundTrip))
                } catch {
                    silentCount += 1
                }
            } catch {
                failures.append(
                    error.sentence(
                        dialling: address, hasNetworkKey: subject.networkKey != nil))
            }
        }
        let reachedCount = replies.count + silentCount
        var checks: [NetworkCheck] = []
        if reachedCount > 0 {
            checks.append(
                NetworkCheck(
                    .peers, failures.isEmpty ? .passed : .warning,
                    (["\(reachedCount) peers answer"] + failures).joined(separator: "; "),
                    repair: failures.isEmpty
                        ? "" : "'starling peers remove' takes addresses off the list"))
        } else {
            checks.append(
                NetworkCheck(
                    .peers, .failed, failures.joined(separator: "; "),
                    repair: "get a fresh join line from a member and give it with --join"))
        }
        let findings = ReachabilityFindings(subject: subject, replies: replies)
        return checks + [findings.reachable, findings.clock, findings.identity]
    }

    /// Whom to ask: those that were named, the list, then peers that the node knows.
    private func candidates(_ subject: Subject) async -> [Multiaddr] {
        let book = PeerBook(home: home)
        var addresses = peers + ((try? book.configured()) ?? [])
        for connection in subject.live?.connections ?? [] where connection.isDialer {
            guard let peer = PeerID(text: connection.peer),
                let address = try? Multiaddr(connection.address).appending(peer)
            else { continue }
            addresses.append(address)
        }
        addresses += ((try? await book.read())?.known ?? []).compactMap(\.addresses.first)
        let own = subject.identity.map { PeerID(publicKey: $0.publicKey) }
        var distinct: [Multiaddr] = []
        for address in addresses where address.peerID == nil || address.peerID != own {
            if !distinct.contains(address) { distinct.append(address) }
        }
        return Array(distinct.prefix(8))
    }

    /// What proves that the node is asked about by whoever runs it.
    private func record(of subject: Subject) -> SignedPeerRecord? {
        guard let identity = subject.answering else { return nil }
        let record = PeerRecord(
            peerID: PeerID(publicKey: identity.publicKey),
            sequenceNumber: clock.unixMilliseconds() * 1_000_000,
            addresses: Array(
                subject.told.map { $0.removingPeerID() }
                    .prefix(ReachabilityCheck.addressCountMax)))
        guard let envelope = try? record.sealed(by: identity) else { return nil }
        return try? SignedPeerRecord(envelope: envelope.bytes)
    }
}
