internal import Cryptography
internal import Foundation
internal import GossipLog
internal import Storage

/// Measures the log of a store, changes single bytes of it to see that an audit names them, and
/// publishes it for other programs.
///
///     LogProbe measure ENTRIES [EDITS]     rates, then how many of the edits were found at the
///                                          right entry; ends with 1 if one was not
///     LogProbe publish ENTRIES FOLDER      tiles, proofs and keys in a new folder
@main
enum LogProbe {
    /// Entries of a transaction; a node's are smaller and wait for the disk instead.
    static let batchCount = 1_000

    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 2, let count = Int(arguments[1]), count > 0 else { usage() }
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "log-probe-\(ProcessInfo.processInfo.processIdentifier)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try StateStore(folder: folder)
        let signer = try NoteSigner(
            name: "starling.example/log", signingKey: SigningKey.generate())
        var log = MeasuredLog(store: store, signer: signer)
        switch (arguments[0], arguments.count) {
        case ("measure", 2...3):
            let edits = arguments.count > 2 ? Int(arguments[2]) ?? 0 : 0
            guard try measure(&log, count: count, edits: edits) else { exit(1) }
        case ("publish", 3):
            try log.append(count, batchCount: batchCount)
            try PublishedLog(store: store, signer: signer, folder: URL(filePath: arguments[2]))
                .write()
        default: usage()
        }
    }

    private static func usage() -> Never {
        print("usage: LogProbe measure ENTRIES [EDITS] | LogProbe publish ENTRIES FOLDER")
        exit(64)
    }

    private static func measure(
        _ log: inout MeasuredLog, count: Int, edits: Int
    ) throws -> Bool {
        try report("append", count) { try log.append(count, batchCount: batchCount) }
        let proofs = min(count, 2_000)
        try report("prove inclusion", proofs) { try log.proveInclusions(proofs) }
        try report("verify inclusion", proofs) { try log.verifyInclusions() }
        try report("prove consistency", proofs) { try log.proveConsistencies(proofs) }
        try report("verify consistency", proofs) { try log.verifyConsistencies() }
        try report("audit", count) { try log.audit() }
        guard edits > 0 else { return true }
        let found = try log.findEdits(edits)
        print("edits: \(found) of \(edits) found at the right entry")
        return found == edits
    }

    private static func report(_ title: String, _ count: Int, _ body: () throws -> Void) throws {
        let clock = ContinuousClock()
        let time = try clock.measure(body)
        let seconds =
            Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        let rate = Int(Double(count) / max(seconds, 1e-9))
        print("\(title): \(count) in \(String(format: "%.2f", seconds)) s, \(rate)/s")
    }
}
