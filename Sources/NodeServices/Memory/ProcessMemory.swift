internal import Foundation

/// What the kernel counts for this process.
public enum ProcessMemory {
    /// The most memory that was ever resident: `VmHWM`; 0 where the system does not tell.
    public static func peakByteCount() -> Int {
        byteCount("VmHWM", status: status)
    }

    /// The memory that is resident now: `VmRSS`; 0 where the system does not tell.
    public static func residentByteCount() -> Int {
        byteCount("VmRSS", status: status)
    }

    /// Reads `VmHWM:  1234 kB` out of the text of /proc/self/status.
    public static func peakByteCount(status: String) -> Int {
        byteCount("VmHWM", status: status)
    }

    private static var status: String {
        let bytes = FileManager.default.contents(atPath: "/proc/self/status") ?? Data()
        return String(decoding: bytes, as: UTF8.self)
    }

    static func byteCount(_ name: String, status: String) -> Int {
        for line in status.split(separator: "\n") where line.hasPrefix(name + ":") {
            let words = line.split { $0 == " " || $0 == "\t" }
            guard words.count >= 2, let kibibytes = Int(words[1]),
                (0..<Int.max >> 10).contains(kibibytes)
            else { return 0 }
            return kibibytes * 1_024
        }
        return 0
    }
}
