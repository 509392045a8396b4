internal import ArgumentParser
internal import Cryptography
internal import JSONDocuments
internal import LibP2P
internal import NodeServices

/// Writes the consensus adapter for other programs.
struct ExportCommand: AsyncParsableCommand {
    /// The kinds of file that can be written.
    enum Kind: String, CaseIterable, ExpressibleByArgument {
        /// A folder that Hugging Face PEFT loads.
        case peft
    }

    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the consensus adapter, with its certificate in starling.json.",
        discussion: "--format names the kind of file here; --json prints the result as JSON."
    )

    @Argument(help: "The folder to write; what is there must be an adapter or nothing.")
    var folder: String

    @Option(help: "peft: a folder that Hugging Face PEFT loads.")
    var format: Kind = .peft

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    @OptionGroup var home: HomeOptions

    func run() async throws {
        var output = OutputOptions()
        output.format = json ? .json : .text
        try await withSharedConsole(output) { console in
            try OutputFolder.check(folder)
            let report = try await ConsensusExport.writePEFT(home: home.folder, to: folder)
            var record = JSONRecord()
            record.add("folder", folder)
            record.add("round", Int(report.round))
            record.add("adapter_digest", report.adapterDigest.hexadecimal)
            record.add(
                "participants",
                .array(
                    report.participants.map {
                        .string(PeerID(publicKey: $0).description)
                    }
                )
            )
            record.add("signatures", report.signatureCount)
            console.report(
                record,
                text: """
                    adapter of round \(report.round), \(report.adapterDigest)
                    \(report.participants.count) participants, \(report.signatureCount) signatures
                    written to \(folder)
                    """
            )
        }
    }
}
