import Testing

@testable import NodeServices

@Suite struct AvailableMemoryTests {
    private let machine = "MemTotal:  2000 kB\nMemAvailable:    1000 kB\n"

    @Test func `the least of machine, control group and limits counts`() {
        let group = AvailableMemory.ControlGroup(limit: "900000\n", usage: "500000\n")
        let free = AvailableMemory(
            machine: machine, groupLimits: [], processLimits: [], resident: 100)
        #expect(free?.byteCount == 1_024_100 && free?.bound == .machine)
        let held = AvailableMemory(
            machine: machine, groupLimits: [group], processLimits: [], resident: 100)
        #expect(held?.byteCount == 400_100 && held?.bound == .controlGroup)
        let limited = AvailableMemory(
            machine: machine, groupLimits: [group], processLimits: [300_000], resident: 100)
        #expect(limited?.byteCount == 300_000 && limited?.bound == .processLimit)
        #expect(
            AvailableMemory(machine: "", groupLimits: [], processLimits: [], resident: 1) == nil)
    }

    @Test func `a group without a limit bounds nothing, and one that is full leaves its own`() {
        func bytes(_ limit: String, _ usage: String) -> Int? {
            AvailableMemory.ControlGroup(limit: limit, usage: usage).byteCount(resident: 50)
        }
        #expect(bytes("max\n", "7\n") == nil)
        #expect(bytes("9223372036854771712\n", "7\n") == nil)
        #expect(bytes("", "") == nil)
        #expect(bytes("1000\n", "") == 1_000)
        #expect(bytes("1000\n", "1000\n") == 50)
        #expect(bytes("1000\n", "9999\n") == 0)
        #expect(bytes("1000\n", "20\n") == 1_000)
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
}
