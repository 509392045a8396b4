internal import Federation
internal import Foundation
internal import Logging

/// Tells the running node what commands beside it issued and revoked.
struct AdmissionWatch: Sendable {
    let folder: URL
    let logger: Logger
    var clock = ServiceClock.system
    /// How often the folder is looked at.
    var interval = Duration.seconds(1)

    /// Watches until the task is cancelled.
    func run(_ tell: @Sendable (MembershipShare) -> Void) async {
        var known: Set<String> = []
        while !Task.isCancelled {
            let names = Set(
                (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
            if names != known {
                let (share, unread) = MembershipFile.read(folder: folder)
                for name in unread {
                    logger.warning(
                        "neither certificate nor revocation", metadata: ["file": "\(name)"])
                }
                if !share.isEmpty { tell(share) }
                known = names
            }
            do { try await clock.sleep(interval) } catch { return }
        }
    }
}
