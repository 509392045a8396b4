import Testing

@testable import NodeServices

@Suite struct AvailableMemoryTests {
    private let machine = "MemTotal:  2000 kB\nMemAvailable:    1000 kB\n"
    private let status = "VmRSS:\t  200 kB\nRssAnon:\t  100 kB\nRssFile:\t  100 kB\n"

    private func group(
        _ limit: String, _ usage: String, _ statistics: String = ""
    ) -> AvailableMemory.ControlGroup {
        AvailableMemory.ControlGroup(limit: limit, usage: usage, statistics: statistics)
    }

    @Test func `the least of machine, control group and limits counts`() {
        func available(
            _ groups: [AvailableMemory.ControlGroup], _ limits: [(Int, Int)]
        ) -> AvailableMemory? {
            AvailableMemory(machine: machine, groups: groups, limits: limits, status: status)
        }
        let free = available([], [])
        #expect(free?.byteCount == 1_100 << 10 && free?.bound == .machine)
        let held = available([group("900000\n", "500000\n")], [])
        #expect(held?.byteCount == 502_400 && held?.bound == .controlGroup)
        let limited = available([group("900000\n", "500000\n")], [(900_000, 800_000)])
        #expect(limited?.byteCount == 304_800 && limited?.bound == .processLimit)
        #expect(
            AvailableMemory(machine: "", groups: [], limits: [], status: status) == nil)
    }

    @Test func `a group without a limit bounds nothing, and one that is full leaves its own`() {
        func bytes(_ limit: String, _ usage: String, _ statistics: String = "") -> Int? {
            group(limit, usage, statistics).byteCount(own: 50)
        }
        #expect(bytes("max\n", "7\n") == nil)
        #expect(bytes("9223372036854771712\n", "7\n") == nil)
        #expect(bytes("", "") == nil)
        #expect(bytes("1000\n", "") == 1_000)
        #expect(bytes("1000\n", "1000\n") == 50)
        #expect(bytes("1000\n", "9999\n") == 0)
        #expect(bytes("1000\n", "20\n") == 1_000)
        // Pages of files can be taken back.
        #expect(bytes("1000\n", "900\n", "anon 100\nfile 600\nkernel 7\n") == 750)
        #expect(bytes("1000\n", "900\n", "total_cache 900\nfile x\n") == 1_000)
    }

    @Test func `groups and those above them are looked at, in both kinds of trees`() {
        #expect(
            AvailableMemory.groupFolders("0::/a/b\n") == [
                "/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup",
            ])
        #expect(
            AvailableMemory.groupFolders("5:cpu,memory:/x\n3:pids:/y\nnonsense\n") == [
                "/sys/fs/cgroup/memory/x", "/sys/fs/cgroup/memory",
            ])
        #expect(AvailableMemory.groupFolders("") == [])
    }

    @Test func `this machine tells what it has`() {
        let available = AvailableMemory.current
        #expect((available?.byteCount ?? 0) > 1 << 20)
    }
}
