internal import Foundation

/// What the kernel counts for this process.
enum ProcessMemory {
    /// The most memory that was ever resident: `VmHWM`; 0 where the system does not tell.
    static func peakByteCount() -> Int {
        guard let status = FileManager.default.contents(atPath: "/proc/self/status") else {
            return 0
        }
        return peakByteCount(status: String(decoding: status, as: UTF8.self))
    }

    /// Reads `VmHWM:  1234 kB` out of the text of /proc/self/status.
    static func peakByteCount(status: String) -> Int {
        for line in status.split(separator: "\n") where line.hasPrefix("VmHWM:") {
            let words = line.split { $0 == " " || $0 == "\t" }
            guard words.count >= 2, let kibibytes = Int(words[1]) else { return 0 }
            return kibibytes * 1_024
        }
        return 0
    }
}
