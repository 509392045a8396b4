internal import ArgumentParser
internal import Foundation
internal import JSONDocuments
internal import Kernels
internal import LibP2P
internal import Models
internal import NodeServices

/// Tells what this machine computes with, and what is right and wrong with a node's network.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Show what this machine computes with, check the network, and say what helps.",
        discussion: """
            Every library for matrix products that is installed is measured on products of a \
            training step's size, with one thread and with all. The share of the limit is a \
            library's figure by that of the fastest one. Measure while nothing else runs.

            The network checks look at the key, the port, the peers, whether a peer can dial the told \
            address, the clock, and whether another node has the same key. They work beside a running \
            node, and in place of one that is stopped.
            """
    )

    @Option(help: "Threads that compute; all cores unless told otherwise.")
    var threads: Int?

    @Flag(help: "Measure nothing.")
    var noSpeed = false

    @Flag(help: "Look at no network.")
    var noNetwork = false

    @Option(
        parsing: .upToNextOption,
        help: "Addresses of peers to ask, besides those that the home knows.")
    var peer: [String] = []

    @Option(parsing: .upToNextOption, help: "Addresses to listen on, as with 'run'.")
    var listen: [String] = []

    @Option(parsing: .upToNextOption, help: "Addresses told to others, as with 'run'.")
    var advertise: [String] = []

    @Option(help: ArgumentHelp("The key of a private network.", valueName: "file"))
    var networkKey: String?

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let threads, !(1...256).contains(threads) {
            throw ValidationError("--threads is \(threads); give 1 to 256.")
        }
    }

    func run() async throws {
        try await withSharedConsole(output) { console in
            let diagnosis = diagnose()
            let checks = noNetwork ? [] : try await checkNetwork()
            var record = diagnosis.record
            record.add("network", .array(checks.map { Self.record(of: $0).value }))
            let text = ([diagnosis.text] + checks.map(Self.text(of:))).joined(separator: "\n")
            console.report(record, text: text)
        }
    }

    private func checkNetwork() async throws -> [NetworkCheck] {
        var flags = NodeSettings()
        flags.listen = listen.isEmpty ? nil : listen
        flags.advertise = advertise.isEmpty ? nil : advertise
        flags.network[.networkKey] = networkKey
        let settings = flags.filled(
            from: try NodeSettings.environment(ProcessInfo.processInfo.environment)
        ).filled(from: try NodeSettings.file(at: home.folder.settingsFile.path))
        let peers = try peer.map { text in
            guard let address = try? Multiaddr(text), address.isDialable else {
                throw CommandFailure(
                    .nodeSettingUnusable,
                    "'\(text)' is no address of a peer; it looks like "
                        + "/ip4/203.0.113.5/tcp/7411/p2p/12D3Koo…")
            }
            return address
        }
        return await NetworkDoctor(home: home.folder, settings: settings, peers: peers).run()
    }

    private static func record(of check: NetworkCheck) -> JSONRecord {
        var record = JSONRecord()
        record.add("check", check.subject.rawValue)
        record.add("outcome", check.outcome.rawValue)
        record.add("finding", check.finding)
        record.add("repair", check.repair)
        return record
    }

    private static func text(of check: NetworkCheck) -> String {
        let title = check.subject.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0)
        let line = "\(title) \(check.outcome.rawValue): \(check.finding)"
        return check.repair.isEmpty ? line : line + "\n   what to do: \(check.repair)"
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
