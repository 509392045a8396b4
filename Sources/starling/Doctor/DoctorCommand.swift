internal import ArgumentParser
internal import Foundation
internal import Kernels
internal import Models
internal import NodeServices

/// Tells what this machine computes with.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Show what this machine computes with, how fast, and what would help.",
        discussion: """
            Every library for matrix products that is installed is measured on products of a \
            training step's size, with one thread and with all. The share of the limit is a \
            library's figure by that of the fastest one. Measure while nothing else runs.
            """
    )

    @Option(help: "Threads that compute; all cores unless told otherwise.")
    var threads: Int?

    @Flag(help: "Measure nothing.")
    var noSpeed = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let threads, !(1...256).contains(threads) {
            throw ValidationError("--threads is \(threads); give 1 to 256.")
        }
    }

    func run() throws {
        try withConsole(output) { console in
            let diagnosis = diagnose()
            console.report(diagnosis.record, text: diagnosis.text)
        }
    }

    private func diagnose() -> Diagnosis {
        let variable = "OPENBLAS_CORETYPE"
        // Opening OpenBLAS sets it, where it is not set.
        let userCoreType = ProcessInfo.processInfo.environment[variable]
        let machine = Machine.current
        let threadCount = threads ?? machine.coreCount
        ComputeThreads.set(threadCount)
        var libraries = ProductLibrary.available.map { ($0, [ProductTrial.Speed]()) }
        if !noSpeed {
            for type in ComputeType.allCases {
                let trial = ProductTrial(type: type)
                for count in Set([1, threadCount]).sorted() {
                    for index in libraries.indices {
                        libraries[index].1.append(
                            trial.speed(of: libraries[index].0, threadCount: count))
                    }
                }
            }
        }
        return Diagnosis(
            machine: machine,
            threadCount: threadCount,
            libraries: libraries.map {
                Diagnosis.Library(name: $0.0.name, details: $0.0.details, speeds: $0.1)
            },
            libraryInUse: ProductLibrary.current.name,
            computeType: ModelOptions().computeType,
            kernels: KernelReport.line,
            userCoreType: userCoreType,
            coreType: ProcessInfo.processInfo.environment[variable],
            versions: [
                ("lmdb", LibraryVersions.lmdb), ("libsodium", LibraryVersions.libsodium),
                ("swift", "\(_SwiftStdlibVersion.current)"),
            ]
        )
    }
}
