internal import Foundation
internal import Glibc

/// What this process could have of the machine's memory: the least of what the machine, its control
/// group and its limits leave.
public struct AvailableMemory: Hashable, Sendable {
    /// Who sets the bound.
    public enum Bound: Hashable, Sendable {
        /// `MemAvailable` of /proc/meminfo.
        case machine
        /// `memory.max` of a control group, or `memory.limit_in_bytes` of the older kind.
        case controlGroup
        /// `RLIMIT_AS` or `RLIMIT_DATA` of the process.
        case processLimit

        /// The words for people.
        public var name: String {
            switch self {
            case .machine: "the machine has available"
            case .controlGroup: "the control group allows"
            case .processLimit: "the limits of the process allow"
            }
        }
    }

    /// The bytes.
    public let byteCount: Int
    /// Who sets them.
    public let bound: Bound

    /// Looks at this machine; `nil` where it tells nothing.
    public static var current: AvailableMemory? {
        func table(_ path: String) -> String {
            String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        }
        let status = table("/proc/self/status")
        return AvailableMemory(
            machine: table("/proc/meminfo"),
            groups: groupFolders(table("/proc/self/cgroup")).map {
                ControlGroup(
                    limit: table($0 + "/memory.max") + table($0 + "/memory.limit_in_bytes"),
                    usage: table($0 + "/memory.current") + table($0 + "/memory.usage_in_bytes"),
                    statistics: table($0 + "/memory.stat"))
            },
            // A limit counts what is not resident as well: code, stacks, and maps of files.
            limits: [(RLIMIT_AS, "VmSize"), (RLIMIT_DATA, "VmData")].compactMap { resource, name in
                limit(resource).map { ($0, ProcessMemory.byteCount(name, status: status)) }
            },
            status: status
        )
    }

    /// The texts of a control group's files.
    struct ControlGroup {
        let limit, usage, statistics: String

        /// What the group leaves, with what this process has already counted as its own.
        ///
        /// - Parameter own: the process's memory that is no file's; pages of files are the group's to
        ///   take back, whoever reads them.
        func byteCount(own: Int) -> Int? {
            func number(_ text: some StringProtocol) -> Int? {
                Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
            }
            // "max", and the older kind's greatest page count, are no bound.
            guard let limit = number(limit), limit < 1 << 60 else { return nil }
            guard let usage = number(usage) else { return limit }
            var files = 0
            for line in statistics.split(separator: "\n") {
                let words = line.split(separator: " ")
                if words.count == 2, words[0] == "file" || words[0] == "total_cache" {
                    files = max(files, number(words[1]) ?? 0)
                }
            }
            return max(0, min(limit, limit - max(0, usage - files) + own))
        }
    }

    /// - Parameters:
    ///   - limits: the process's limits, each with what already counts towards it.
    ///   - status: the text of /proc/self/status.
    init?(
        machine: String,
        groups: [ControlGroup],
        limits: [(byteCount: Int, used: Int)],
        status: String
    ) {
        let resident = ProcessMemory.byteCount("VmRSS", status: status)
        let own = ProcessMemory.byteCount("RssAnon", status: status)
        var bounds: [(Int, Bound)] = []
        let available = ProcessMemory.byteCount("MemAvailable", status: machine)
        if available > 0 { bounds.append((available + own, .machine)) }
        bounds += groups.compactMap { $0.byteCount(own: own) }.map { ($0, .controlGroup) }
        bounds += limits.map { (max(0, $0.byteCount - $0.used + resident), .processLimit) }
        guard let least = bounds.min(by: { $0.0 < $1.0 }) else { return nil }
        (byteCount, bound) = least
    }

    /// The folders of the groups that this process is in, and of those above them.
    ///
    /// A line is `0::/path` for the one tree of today, or `5:memory:/path` for the older kind. Inside
    /// a container the path may not be there; its root then has the files.
    static func groupFolders(_ table: String) -> [String] {
        var folders: [String] = []
        for line in table.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isOlder = parts[1].split(separator: ",").contains("memory")
            guard isOlder || parts[1].isEmpty else { continue }
            let root = isOlder ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup"
            var names = parts[2].split(separator: "/")
            while true {
                folders.append(([root] + names.map(String.init)).joined(separator: "/"))
                guard names.popLast() != nil else { break }
            }
        }
        return folders
    }

    private static func limit(_ resource: __rlimit_resource) -> Int? {
        var limit = rlimit()
        guard unsafe getrlimit(Int32(bitPattern: resource.rawValue), &limit) == 0 else {
            return nil
        }
        return Int(exactly: limit.rlim_cur).flatMap { $0 < 1 << 60 ? $0 : nil }
    }
}
