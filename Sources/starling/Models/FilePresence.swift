internal import Foundation

/// Asks whether something is at a path.
enum FilePresence {
    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }
}
