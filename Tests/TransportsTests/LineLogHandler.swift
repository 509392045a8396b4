import Logging
import Synchronization

/// What a swarm has written to its log.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) {
        lines.withLock { $0.append(line) }
    }

    func contains(_ part: String) -> Bool { all.contains { $0.contains(part) } }
}

/// Keeps lines of every level, each with its metadata behind it.
struct LineLogHandler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let values = all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        lines.add("\(event.message) \(values.joined(separator: " "))")
    }
}
