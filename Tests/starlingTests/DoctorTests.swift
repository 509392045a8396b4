import ArgumentParser
import Foundation
import JSONDocuments
import Kernels
import Testing

@testable import starling

@Suite struct MachineTests {
    @Test func `processor, instruction sets and memory are read from the kernel's tables`() {
        let machine = Machine(
            processors: """
                processor\t: 0
                model name\t: Some CPU @ 3.1 GHz: fast
                flags\t\t: fpu avx2 avx512f avx512dq avx512bw avx512vl avx512_bf16 fma

                processor\t: 1
                model name\t: Another
                flags\t\t: fpu
                """,
            memory: "MemTotal:       2048 kB\nMemFree:  9 kB\nMemAvailable:    1024 kB\n",
            coreCount: 2
        )
        #expect(machine.processor == "Some CPU @ 3.1 GHz: fast")
        #expect(
            machine.instructionSets == [
                "AVX2", "AVX-512 F", "AVX-512 DQ", "AVX-512 BW", "AVX-512 VL", "AVX512_BF16",
            ])
        #expect(machine.hasAVX512)
        #expect(machine.memoryByteCount == 2_097_152)
        #expect(machine.availableByteCount == 1_048_576)
    }

    @Test(arguments: ["", ":", "MemTotal", "MemTotal:\nflags", "MemTotal: x kB", "MemTotal: 1 MB"])
    func `tables that tell nothing give empty facts`(text: String) {
        let machine = Machine(processors: text, memory: text, coreCount: 1)
        #expect(machine.processor.isEmpty && machine.instructionSets.isEmpty)
        #expect(machine.memoryByteCount == 0 && !machine.hasAVX512)
    }

    @Test func `one set of AVX-512 short is none`() {
        let machine = Machine(
            processors: "flags: avx2 avx512f avx512dq avx512bw", memory: "", coreCount: 1)
        #expect(!machine.hasAVX512)
        #expect(
            Machine(processors: "Features : fp asimd", memory: "", coreCount: 1).instructionSets
                == ["NEON"])
    }

    @Test func `this machine has a core and memory`() {
        #expect(Machine.current.coreCount >= 1)
        #expect(Machine.current.memoryByteCount > 1 << 20)
    }
}

@Suite struct DiagnosisTests {
    private static func speed(
        _ type: ComputeType, _ threadCount: Int, _ figure: Double
    ) -> ProductTrial.Speed {
        ProductTrial.Speed(
            type: type, threadCount: threadCount, forward: figure, backward: figure)
    }

    private static let avx512 = "flags: avx2 avx512f avx512dq avx512bw avx512vl"

    /// A machine that lacks nothing, with changes.
    private func diagnosis(
        flags: String = avx512,
        available: String = "9000000 kB",
        coreCount: Int = 4,
        threadCount: Int = 4,
        names: [String] = ["oneDNN", "OpenBLAS", "portable"],
        figures: [Double] = [100, 50, 10],
        userCoreType: String? = nil,
        kernel: String = "SkylakeX"
    ) -> Diagnosis {
        Diagnosis(
            machine: Machine(
                processors: flags,
                memory: "MemTotal: 9900000 kB\nMemAvailable: \(available)",
                coreCount: coreCount),
            threadCount: threadCount,
            libraries: zip(names, figures).map { name, figure in
                var details = ProductLibrary.Details()
                if name == "OpenBLAS" { details.kernel = kernel }
                return Diagnosis.Library(
                    name: name, details: details, speeds: [Self.speed(.float32, 1, figure)])
            },
            libraryInUse: names[0],
            computeType: .float32,
            kernels: "loops",
            userCoreType: userCoreType,
            coreType: userCoreType ?? "SkylakeX",
            versions: [("lmdb", "0.9.24")]
        )
    }

    @Test func `a share is the part of the fastest library's figure`() throws {
        let diagnosis = diagnosis()
        let shares = diagnosis.libraries.map { diagnosis.share($0.speeds[0]) }
        #expect(shares == [1, 0.5, 0.1])
        #expect(diagnosis.limit(type: .float32, threadCount: 1) == 100)
        #expect(diagnosis.limit(type: .bfloat16, threadCount: 1) == nil)
        let uneven = ProductTrial.Speed(
            type: .float32, threadCount: 1, forward: 30, backward: 60)
        #expect(abs(uneven.both - 40) < 1e-9)
    }

    @Test func `a machine that lacks nothing has no warning`() {
        #expect(diagnosis().warnings.isEmpty)
    }

    @Test func `every lack has a warning that says what to do`() {
        let cases: [(Diagnosis, problem: String, remedy: String)] = [
            (diagnosis(names: ["OpenBLAS"]), "oneDNN is not installed", "apt-get install libdnnl"),
            (diagnosis(names: ["portable"]), "no library", "apt-get install libopenblas0"),
            (diagnosis(flags: "flags: avx2"), "no AVX-512", "nothing to set"),
            (diagnosis(flags: "flags: fpu"), "baseline", "nothing to set"),
            (diagnosis(userCoreType: "Haswell"), "OPENBLAS_CORETYPE is set to Haswell", "unset"),
            (diagnosis(kernel: "Haswell"), "told SkylakeX and took its Haswell", "DYNAMIC_ARCH"),
            (diagnosis(threadCount: 5), "5 threads share 4 cores", "--threads 4"),
            (diagnosis(available: "1024 kB"), "1 MiB", "--base stored"),
            (diagnosis(figures: [50, 100, 10]), "50 % of another", "report"),
        ]
        for (diagnosis, problem, remedy) in cases {
            #expect(
                diagnosis.warnings.contains {
                    $0.problem.contains(problem) && $0.remedy.contains(remedy)
                }, "\(problem): \(diagnosis.warnings)")
            #expect(diagnosis.text.contains("warning: ") && diagnosis.text.contains(remedy))
        }
    }

    @Test func `programs get all facts in one object`() throws {
        let record = diagnosis(userCoreType: "Haswell").record.value
        let object = try #require(record.object)
        #expect(
            object.members.map(\.key) == [
                "processor", "cores", "threads", "instruction_sets", "memory_bytes",
                "memory_available_bytes", "products", "compute", "kernels", "libraries",
                "versions", "warnings",
            ])
        guard let libraries = object["libraries"]?.array else {
            Issue.record("no libraries")
            return
        }
        #expect(libraries.count == 3)
        let openBLAS = try #require(libraries[1].object)
        #expect(openBLAS["core_type"] == .string("Haswell"))
        #expect(openBLAS["core_type_by_user"] == .bool(true))
        #expect(openBLAS["in_use"] == .bool(false))
    }

    @Test func `people get a row for every measurement`() {
        let text = diagnosis().text
        #expect(text.contains("oneDNN, in use"))
        #expect(
            text.contains("OpenBLAS    f32         1     50.0      50.0                50 %"),
            "\(text)")
    }

    @Test func `a product is measured in both forms`() throws {
        let library = try #require(ProductLibrary.available.last)
        let speed = ProductTrial(type: .bfloat16).speed(of: library, threadCount: 2)
        #expect(speed.forward > 0.01 && speed.backward > 0.01 && speed.both.isFinite)
        #expect(speed.threadCount == 2 && speed.type == .bfloat16)
    }

    @Test(arguments: [["--threads", "0"], ["--threads", "257"], ["--format", "xml"]])
    func `doctor refuses what makes no sense`(arguments: [String]) {
        #expect {
            _ = try DoctorCommand.parseAsRoot(arguments)
        } throws: { error in
            DoctorCommand.exitCode(for: error).rawValue == ExitReason.usage.rawValue
        }
    }
}

/// The program itself, as a user starts it: OpenBLAS reads its variable once in a process.
@Suite struct DoctorProcessTests {
    private func doctor(coreType: String?) throws -> JSONObject {
        let process = Process()
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        process.executableURL = URL(filePath: own).deletingLastPathComponent()
            .appending(path: "starling")
        process.arguments = ["doctor", "--no-speed", "--format", "json"]
        var environment = ProcessInfo.processInfo.environment
        environment["OPENBLAS_CORETYPE"] = coreType
        process.environment = environment
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return try #require(JSONValue(parsing: [UInt8](bytes)).object)
    }

    /// OpenBLAS's part of the report; `nil` where it is not installed.
    private func openBLAS(_ report: JSONObject) -> JSONObject? {
        guard let libraries = report["libraries"]?.array else { return nil }
        return libraries.compactMap(\.object).first { $0["name"] == .string("OpenBLAS") }
    }

    @Test func `OpenBLAS is told the kernel before it is loaded`() throws {
        guard Machine.current.hasAVX512, let library = openBLAS(try doctor(coreType: nil))
        else { return }
        #expect(library["core_type"] == .string("SkylakeX"))
        #expect(library["core_type_by_user"] == .bool(false))
        #expect(library["kernel"] == .string("SkylakeX"))
    }

    @Test func `a kernel that the user names stays`() throws {
        guard Machine.current.instructionSets.contains("AVX2") else { return }
        let report = try doctor(coreType: "Haswell")
        guard let library = openBLAS(report) else { return }
        #expect(library["core_type"] == .string("Haswell"))
        #expect(library["core_type_by_user"] == .bool(true))
        #expect(library["kernel"] == .string("Haswell"))
        guard let warnings = report["warnings"]?.array else {
            Issue.record("no warnings")
            return
        }
        #expect(!warnings.isEmpty)
    }
}
