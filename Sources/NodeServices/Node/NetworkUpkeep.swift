internal import Cryptography
internal import Federation
internal import Foundation
internal import LibP2P
internal import Transports

/// What runs beside a federation's service: gossip, what keeps the network as the home says, and what
/// tells of it.
struct NetworkUpkeep: Sendable {
    private let home: NodeHome
    private let advertised: [String]
    private let swarm: Swarm
    private let connector: PeerConnector
    private let announcements: AnnouncementService
    private let watch: PeerListWatch
    private let identityWatch: IdentityWatch
    private let board: ReachabilityBoard
    private let relays: RelayKeeper

    /// Makes the parts; before the swarm starts.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` for a relay's address that is none.
    init(
        options: NodeOptions, parts: FederationService.Parts, identity: SigningKey
    ) throws(NodeError) {
        home = options.home
        advertised = options.settings.advertise ?? []
        swarm = parts.swarm
        connector = parts.connector
        announcements = parts.announcements
        watch = PeerListWatch(
            home: options.home, join: options.join, swarm: parts.swarm,
            connector: parts.connector, logger: options.logger)
        let (swarm, report) = (parts.swarm, options.report)
        PeerNews(report: report).follow(swarm)
        let relays = RelayKeeper(
            choice: try RelayChoice(options.settings.relay), swarm: swarm,
            byteCountMin: UInt64(parts.manifest.manifest.updateByteCountMax),
            logger: options.logger
        ) { addresses in
            swarm.setCircuitAddresses(addresses)
            await swarm.pushIdentify()
            if !addresses.isEmpty { report(.listening(joinLines: addresses)) }
        }
        self.relays = relays
        let board = ReachabilityBoard(swarm: swarm, logger: options.logger) {
            relays.setNeeded($0)
        }
        self.board = board
        identityWatch = IdentityWatch(
            swarm: swarm, logger: options.logger, report: report, board: board,
            ownRecord: { addresses in
                let record = PeerRecord(
                    peerID: swarm.peerID,
                    sequenceNumber: ServiceClock.system.unixMilliseconds(),
                    addresses: addresses.map { $0.removingPeerID() })
                guard let envelope = try? record.sealed(by: identity) else { return nil }
                return try? SignedPeerRecord(envelope: envelope.bytes)
            })
    }

    /// Runs until the task is cancelled; then what it wrote for others is gone.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await announcements.run() }
            group.addTask { await watch.run() }
            group.addTask { await identityWatch.run() }
            group.addTask { await board.run() }
            group.addTask { await relays.run() }
            group.addTask {
                while !Task.isCancelled {
                    connector.setProtected(
                        announcements.protectedPeers + swarm.relayedPeers
                            + relays.reservedRelays)
                    do { try await Task.sleep(for: .seconds(5)) } catch { return }
                }
            }
            group.addTask {
                await NetworkSnapshot.keepWriting(
                    to: home.networkFile, swarm: swarm, announcements: announcements,
                    advertised: advertised, board: board)
            }
        }
        try? FileManager.default.removeItem(at: home.networkFile)
    }
}
