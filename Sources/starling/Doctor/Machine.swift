internal import Foundation

/// What the kernel tells of this machine.
struct Machine: Hashable {
    /// The processor's own name; empty where the system does not tell.
    var processor = ""
    /// The cores that this process may use.
    var coreCount = 1
    /// The instruction sets that the loops and libraries ask for, of those in ``known``.
    var instructionSets: [String] = []
    /// All memory; 0 where the system does not tell.
    var memoryByteCount = 0
    /// What can be had without swapping; 0 where the system does not tell.
    var availableByteCount = 0

    /// Instruction sets by the kernel's words and by those of people.
    static let known = [
        ("avx2", "AVX2"), ("avx512f", "AVX-512 F"), ("avx512dq", "AVX-512 DQ"),
        ("avx512bw", "AVX-512 BW"), ("avx512vl", "AVX-512 VL"),
        ("avx512_bf16", "AVX512_BF16"), ("amx_bf16", "AMX_BF16"), ("asimd", "NEON"),
        ("sve", "SVE"), ("bf16", "BF16"),
    ]

    /// Reads the tables of this machine.
    static var current: Machine {
        func table(_ path: String) -> String {
            String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        }
        return Machine(
            processors: table("/proc/cpuinfo"), memory: table("/proc/meminfo"),
            coreCount: ProcessInfo.processInfo.activeProcessorCount
        )
    }

    init() {}

    /// Reads the texts of /proc/cpuinfo and /proc/meminfo.
    init(processors: String, memory: String, coreCount: Int) {
        self.coreCount = coreCount
        processor = Self.field("model name", in: processors) ?? ""
        let flags = Self.field("flags", in: processors) ?? Self.field("Features", in: processors)
        let words = Set((flags ?? "").split(separator: " ").map(String.init))
        instructionSets = Self.known.filter { words.contains($0.0) }.map(\.1)
        memoryByteCount = Self.byteCount("MemTotal", in: memory)
        availableByteCount = Self.byteCount("MemAvailable", in: memory)
    }

    /// Whether the loops that are written for AVX-512 run here.
    var hasAVX512: Bool {
        ["F", "DQ", "BW", "VL"].allSatisfy { instructionSets.contains("AVX-512 \($0)") }
    }

    /// The first `name : value` line of a table.
    private static func field(_ name: String, in table: String) -> String? {
        for line in table.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":"),
                line[..<colon].trimmingCharacters(in: .whitespaces) == name
            else { continue }
            return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return nil
    }

    private static func byteCount(_ name: String, in table: String) -> Int {
        let words = (field(name, in: table) ?? "").split(separator: " ")
        guard words.count == 2, words[1] == "kB", let kibibytes = Int(words[0]),
            kibibytes >= 0, kibibytes < Int.max / 1_024
        else { return 0 }
        return kibibytes * 1_024
    }
}
