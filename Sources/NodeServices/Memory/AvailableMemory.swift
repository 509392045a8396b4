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
        return AvailableMemory(
            machine: table("/proc/meminfo"),
            groupLimits: groupFolders(table("/proc/self/cgroup")).map {
                ControlGroup(
                    limit: table($0 + "/memory.max") + table($0 + "/memory.limit_in_bytes"),
                    usage: table($0 + "/memory.current") + table($0 + "/memory.usage_in_bytes"))
            },
            processLimits: [RLIMIT_AS, RLIMIT_DATA].compactMap(limit)
        )
    }

    /// The texts of a control group's two files.
    struct ControlGroup {
        let limit, usage: String

        /// What the group leaves, with what this process has already counted as its own.
        func byteCount(resident: Int) -> Int? {
            func number(_ text: String) -> Int? {
                Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
            }
            // "max", and the older kind's greatest page count, are no bound.
            guard let limit = number(limit), limit < 1 << 60 else { return nil }
            guard let usage = number(usage) else { return limit }
            return max(0, min(limit, limit - usage + resident))
        }
    }

    init?(
        machine: String,
        groupLimits: [ControlGroup],
        processLimits: [Int],
        resident: Int = ProcessMemory.residentByteCount()
    ) {
        var bounds: [(Int, Bound)] = []
        let available = ProcessMemory.byteCount("MemAvailable", status: machine)
        if available > 0 { bounds.append((available + resident, .machine)) }
        bounds += groupLimits.compactMap { $0.byteCount(resident: resident) }
            .map { ($0, .controlGroup) }
        bounds += processLimits.map { ($0, .processLimit) }
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
