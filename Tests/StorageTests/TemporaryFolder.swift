import Foundation

/// A folder of its own for one test, removed when the test lets go of it.
///
/// It lies in memory where the system offers that, since the tests end processes and not machines:
/// what a killed process wrote is kept by the kernel on either kind.
final class TemporaryFolder: Sendable {
    let path: String

    /// Where a test puts its store.
    var state: String { path + "/state" }

    init() throws {
        let memory = "/dev/shm"
        let root =
            FileManager.default.isWritableFile(atPath: memory) ? memory : NSTemporaryDirectory()
        path = root + "/starling-storage-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("\(path) stays: \(error)")
        }
    }
}
