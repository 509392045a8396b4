internal import Cryptography
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

    /// Makes the parts; before the swarm starts.
    init(options: NodeOptions, parts: FederationService.Parts, identity: SigningKey) {
        home = options.home
        advertised = options.settings.advertise ?? []
        swarm = parts.swarm
        connector = parts.connector
        announcements = parts.announcements
        watch = PeerListWatch(
            home: options.home, join: options.join, swarm: parts.swarm,
            connector: parts.connector, logger: options.logger)
        let peerID = parts.swarm.peerID
        identityWatch = IdentityWatch(
            swarm: parts.swarm, logger: options.logger, report: options.report,
            ownRecord: {
                // Without addresses: only who else has the key is asked for.
                let record = PeerRecord(
                    peerID: peerID, sequenceNumber: ServiceClock.system.unixMilliseconds(),
                    addresses: [])
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
            group.addTask {
                while !Task.isCancelled {
                    connector.setProtected(announcements.protectedPeers)
                    do { try await Task.sleep(for: .seconds(5)) } catch { return }
                }
            }
            group.addTask {
                await NetworkSnapshot.keepWriting(
                    to: home.networkFile, swarm: swarm, announcements: announcements,
                    advertised: advertised)
            }
        }
        try? FileManager.default.removeItem(at: home.networkFile)
    }
}
