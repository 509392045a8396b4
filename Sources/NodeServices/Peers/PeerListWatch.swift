internal import Foundation
internal import LibP2P
internal import Logging
internal import Transports

/// Reads a home's peer list and its bans again when they change, and has the running node follow.
///
/// A file that can't be read leaves what held before; the log says what is wrong with it.
struct PeerListWatch: Sendable {
    /// What tells one content of a file from another without reading it.
    private struct Stamp: Equatable {
        var byteCount: Int64 = -1
        var inode: UInt64 = 0
        var seconds = 0
        var nanoseconds = 0

        init(path: String) {
            var status = stat()
            guard unsafe stat(path, &status) == 0 else { return }
            byteCount = Int64(status.st_size)
            inode = UInt64(status.st_ino)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    let home: NodeHome
    /// The join line, which belongs to the list for as long as the node runs.
    let join: Multiaddr?
    let swarm: Swarm
    let connector: PeerConnector
    let logger: Logger
    var clock = ServiceClock.system
    /// How often the files are looked at.
    var interval = Duration.seconds(1)

    /// Watches until the task is cancelled.
    func run() async {
        // The node has read both when it started, so the first look is only for the stamps; what
        // changed in between is read again.
        var list: Stamp?
        var bans: Stamp?
        while !Task.isCancelled {
            let listNow = Stamp(path: home.peerList.path)
            if listNow != list { followList(isFirst: list == nil) }
            list = listNow
            let bansNow = Stamp(path: home.banList.path)
            if bansNow != bans { followBans(isFirst: bans == nil) }
            bans = bansNow
            do { try await clock.sleep(interval) } catch { return }
        }
    }

    private func followList(isFirst: Bool) {
        do {
            let addresses = try PeerBook(home: home).configured()
            connector.setConfigured((join.map { [$0] } ?? []) + addresses)
            guard !isFirst else { return }
            logger.info("peer list read again", metadata: ["count": "\(addresses.count)"])
        } catch {
            logger.warning("peer list not followed", metadata: ["reason": "\(error)"])
        }
    }

    private func followBans(isFirst: Bool) {
        do {
            let list = try BanListFile.read(path: home.banList.path)
            swarm.setBans(Bans(list))
            connector.setBans(Bans(list))
            guard !isFirst else { return }
            logger.info("bans read again", metadata: ["count": "\(list.count)"])
        } catch {
            logger.warning("bans not followed", metadata: ["reason": "\(error)"])
        }
    }
}
