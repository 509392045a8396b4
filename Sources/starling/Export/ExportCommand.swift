internal import Adapters
internal import ArgumentParser
internal import Checkpoints
internal import Cryptography
internal import Federation
internal import JSONDocuments
internal import LibP2P
internal import NodeServices

/// Writes an adapter, or a model with the adapter in it, for other programs.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write an adapter, or its base model with the adapter in it, for other programs.",
        discussion: """
            Without --adapter it is the node's consensus adapter, with its certificate in \
            starling.json where a folder is written; in a federation that gossips it is the node's \
            own adapter, and starling.json has that node's signature alone. merged-gguf copies the \
            base's GGUF file but for the changed tensors, so it needs --model FILE.gguf; \
            of a consensus adapter the file must be the federation's own, which is checked. \
            merged-safetensors of a base that is no Hugging Face folder has no tokenizer. \
            Of a federation with a READ adapter, peft writes that too, with the same certificate, into \
            a second folder with -read behind its name; the other kinds hold LoRA alone. \
            --format names the kind of result here; --json prints the report as JSON.
            """
    )

    @Argument(help: "Where to write; what is there stays, but for an adapter that peft replaces.")
    var path: String?

    @Option(help: "The same as the argument.")
    var out: String?

    @Option(
        help: """
            peft: a folder that Hugging Face PEFT loads; gguf: a file that llama.cpp adds to the \
            base; merged-safetensors: a folder that transformers loads; merged-gguf: a model for \
            llama.cpp.
            """)
    var format: ExportKind = .peft

    @Option(help: "A PEFT folder to export instead of the consensus adapter.")
    var adapter: String?

    @Option(help: "The base: a GGUF file, a Hugging Face folder, or a name in the store.")
    var model: String?

    @Option(
        help: """
            The type of merged weights: base keeps each tensor's; otherwise all of \
            merged-safetensors, or the changed ones of merged-gguf. Of a base of 4 bits, rounded \
            to 4 bits again, little of a small adapter is left; q8_0 keeps it. base, but f32 where \
            safetensors files have no such type.
            """)
    var type: ExportType?

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var home: HomeOptions

    func validate() throws {
        guard (path == nil) != (out == nil) else {
            throw ValidationError("Give the path to write to, once.")
        }
        guard adapter == nil || model != nil else {
            throw ValidationError("--adapter needs the --model that it is for.")
        }
        guard type == nil || format.isMerged else {
            throw ValidationError("--type goes with the merged formats.")
        }
        try compute.check()
    }

    func run() async throws {
        var output = OutputOptions()
        output.format = json ? .json : .text
        try await withSharedConsole(output) { console in
            compute.apply()
            let target = path ?? out ?? ""
            if format == .peft {
                try OutputFolder.check(target)
            } else {
                try OutputPlace.check(target)
            }
            let subject = try await subject()
            if format == .peft, subject.read != nil {
                try OutputFolder.check(ExportSubject.readPath(beside: target))
            }
            let type = try subject.write(format, type: type, to: target)
            report(subject, type: type, target: target, to: console)
        }
    }

    /// What is exported: the adapter in a folder, or the consensus.
    private func subject() async throws -> ExportSubject {
        if let adapter, let model {
            return try ExportSubject(
                adapterPath: adapter, base: ExportBase(named: model, home: home))
        }
        let consensus = try await ConsensusAdapter.read(home: home.folder)
        return try ExportSubject(
            consensus, base: model.map { try ExportBase(named: $0, home: home) })
    }

    private func report(
        _ subject: ExportSubject, type: ExportType?, target: String, to console: SharedConsole
    ) {
        var record = JSONRecord()
        record.add(format == .peft ? "folder" : "path", target)
        record.add("format", format.rawValue)
        if let type { record.add("type", type.rawValue) }
        var lines: [String] = []
        if let consensus = subject.consensus {
            record.add("round", Int(consensus.round))
            record.add("adapter_digest", consensus.adapterDigest.hexadecimal)
            record.add(
                "participants",
                .array(
                    consensus.participants.map { .string(PeerID(publicKey: $0).description) })
            )
            record.add("signatures", consensus.signatureCount)
            record.add("certified", .bool(consensus.isCertified))
            if let distance = consensus.distance {
                record.add("consensus_distance", distance.value)
                record.add("mean_norm", distance.meanNorm)
            }
            lines = ["adapter of round \(consensus.round), \(consensus.adapterDigest)"]
            if consensus.isCertified {
                lines.append(
                    "\(consensus.participants.count) participants, "
                        + "\(consensus.signatureCount) signatures")
            } else {
                lines.append(
                    "this node's own: no quorum has certified it, and the others' differ"
                        + (consensus.distance.map { " (consensus distance \($0.text))" } ?? ""))
            }
        }
        lines.append("\(format.rawValue) written to \(target)")
        if format == .peft, subject.read != nil {
            let path = ExportSubject.readPath(beside: target)
            record.add("read_folder", path)
            lines.append("READ written to \(path)")
        } else if subject.read != nil {
            lines.append("the federation's READ adapter is not in it; --format peft writes that")
        }
        if format == .mergedGGUF, type == .base, subject.base.quantizedType != nil {
            lines.append(
                "changed weights are rounded to the base's own types, which loses most of a small "
                    + "adapter; --type q8_0 keeps it"
            )
        }
        console.report(record, text: lines.joined(separator: "\n"))
    }
}
