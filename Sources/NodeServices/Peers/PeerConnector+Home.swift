internal import Cryptography
internal import Foundation
internal import LibP2P
internal import Logging
internal import Transports

extension PeerConnector {
    /// A connector that knows what a home knows: its peer list, the peers of earlier runs, and the
    /// join line.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` when the peer list can't be read.
    convenience init(
        home: NodeHome, store: NodeStore, swarm: Swarm, own: PeerID, join: Multiaddr?,
        identity: SigningKey, logger: Logger
    ) async throws(NodeError) {
        let configured = (join.map { [$0] } ?? []) + (try PeerBook(home: home).configured())
        let bans = Bans(try BanListFile.read(path: home.banList.path))
        swarm.setBans(bans)
        var view = PassiveView()
        if let bytes = try await store.setting(SettingKey.passiveView) {
            // A view that can't be read is only a list of addresses that is lost.
            view = (try? PassiveView(bytes: bytes)) ?? PassiveView()
        }
        self.init(
            swarm: swarm, localPeer: own, configured: configured, view: view,
            generator: SodiumRandomNumberGenerator(), logger: logger,
            ownRecord: {
                let addresses = swarm.toldAddresses
                guard !addresses.isEmpty else { return nil }
                let record = PeerRecord(
                    peerID: own,
                    sequenceNumber: UInt64(max(Date().timeIntervalSince1970, 0) * 1_000_000_000),
                    addresses: addresses
                )
                return try? record.sealed(by: identity)
            },
            persist: { bytes in
                do {
                    try await store.setSetting(SettingKey.passiveView, bytes)
                } catch {
                    logger.warning("peers not stored", metadata: ["reason": "\(error)"])
                }
            }
        )
        setBans(bans)
    }
}
