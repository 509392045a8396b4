internal import Kernels

extension Diagnosis {
    /// Something that costs speed or memory, and what helps.
    struct Warning: Hashable {
        let problem: String
        let remedy: String
    }

    /// What could be better here, the costliest first.
    var warnings: [Warning] {
        libraryWarnings
            + [instructionWarning, coreTypeWarning, threadWarning, memoryWarning]
            .compactMap(\.self)
    }

    private var libraryWarnings: [Warning] {
        var warnings: [Warning] = []
        if library(named: "oneDNN") == nil {
            warnings.append(
                Warning(
                    problem: "oneDNN is not installed; it has the fastest products, and the only "
                        + "ones that gain from bfloat16",
                    remedy: "apt-get install libdnnl2 (libdnnl3 on newer systems, or libdnnl-dev)"
                ))
        }
        if library(named: "oneDNN") == nil, library(named: "OpenBLAS") == nil {
            warnings.append(
                Warning(
                    problem: "no library for matrix products is installed; the program's own "
                        + "loops take several times as long",
                    remedy: "apt-get install libopenblas0"
                ))
        }
        for type in Set(libraries.flatMap { $0.speeds.map(\.type) }).sorted(by: {
            $0.rawValue < $1.rawValue
        }) {
            let speeds = library(named: libraryInUse)?.speeds ?? []
            guard let speed = speeds.first(where: { $0.type == type && $0.threadCount == 1 }),
                type == computeType, share(speed) < Self.shareMin
            else { continue }
            let percent = Int(100 * share(speed))
            warnings.append(
                Warning(
                    problem: "\(libraryInUse) computes, at \(percent) % of another library's "
                        + "\(type.rawValue) speed",
                    remedy: "run doctor again while nothing else runs; if it stays so, report it "
                        + "with this output"
                ))
        }
        return warnings
    }

    /// Measurements of a shared machine differ by some ten percent.
    private static let shareMin = 0.8

    private var instructionWarning: Warning? {
        if machine.hasAVX512 || machine.instructionSets.contains("NEON") { return nil }
        let best = machine.instructionSets.contains("AVX2") ? "AVX2" : "baseline code"
        return Warning(
            problem: "this processor has no AVX-512 (F, DQ, BW, VL); everything runs on \(best)",
            remedy: "nothing to set; expect half the speed or less of a processor that has it"
        )
    }

    private var coreTypeWarning: Warning? {
        if let userCoreType, !userCoreType.isEmpty {
            return Warning(
                problem: "OPENBLAS_CORETYPE is set to \(userCoreType), which decides OpenBLAS's "
                    + "kernel in place of what the processor can do",
                remedy: "unset OPENBLAS_CORETYPE, unless it is meant"
            )
        }
        guard let coreType, let kernel = library(named: "OpenBLAS")?.details.kernel,
            kernel.lowercased() != coreType.lowercased()
        else { return nil }
        return Warning(
            problem: "OpenBLAS was told \(coreType) and took its \(kernel) kernel",
            remedy: "install an OpenBLAS that chooses at run time (DYNAMIC_ARCH), as Debian's"
        )
    }

    private var threadWarning: Warning? {
        guard threadCount > machine.coreCount else { return nil }
        return Warning(
            problem: "\(threadCount) threads share \(machine.coreCount) "
                + (machine.coreCount == 1 ? "core" : "cores"),
            remedy: "give --threads \(machine.coreCount) or less"
        )
    }

    private var memoryWarning: Warning? {
        // SmolLM2-135M in Float32 with its passes takes less.
        let enough = 2 << 30
        guard machine.availableByteCount > 0, machine.availableByteCount < enough else {
            return nil
        }
        return Warning(
            problem: "\(machine.availableByteCount >> 20) MiB of memory are available",
            remedy: "train with --base stored, --recompute layer and a small --micro-batch-size"
        )
    }
}
