import Foundation
import Testing

/// Runs the `StorageCrashChild` program, which is built beside the tests.
struct CrashChild {
    /// What one run printed and how it ended.
    struct Run {
        let lines: [[String]]
        /// The exit code; nil if a signal ended the process.
        let exitCode: Int32?
        /// The signal that ended the process, if one did.
        let signal: Int32?

        func values(_ key: String) -> [[String]] {
            lines.filter { $0.first == key }.map { Array($0.dropFirst()) }
        }

        var states: [String] { values("state").compactMap(\.first) }
        var found: [[String]] { values("found") }
        var lastDigest: String? { states.last ?? found.last?.first }
    }

    static func run(_ arguments: String...) throws -> Run {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try BuiltProgram.path(of: "StorageCrashChild"))
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let isSignal = process.terminationReason == .uncaughtSignal
        return Run(
            lines: String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
                $0.split(separator: " ").map(String.init)
            },
            exitCode: isSignal ? nil : process.terminationStatus,
            signal: isSignal ? process.terminationStatus : nil
        )
    }
}
