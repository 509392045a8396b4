internal import Adapters
internal import ArgumentParser
internal import Checkpoints
internal import Cryptography
internal import Federation
internal import Foundation
internal import JSONDocuments
internal import Kernels
internal import Models
internal import NodeServices
internal import Training

/// Says what fits a memory, before anything of a model is downloaded.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say what this machine can train within a memory.",
        discussion: """
            A GGUF file's header or a config.json is enough: no weights are read. Without --model it \
            is the node's federation that is planned for. The plan that is marked is the one that \
            'train --memory' and 'run --memory' take. Peaks are those of the whole process; \
            docs/planning.md says what is in them.
            """
    )

    @Option(help: "What the process may take, as 250MB, 1.5GB or 300MiB; MB is 10^6 bytes.")
    var memory: MemorySize?

    @Option(help: "A GGUF file, a Hugging Face folder, a config.json, or a name in the store.")
    var model: String?

    @Option(help: "The longest rows that are wanted, in tokens; 256, or the federation's.")
    var length: Int?

    @Option(help: "The rank that is wanted; 8, or the federation's.")
    var rank: Int?

    @Option(help: "all, or a list such as q_proj,v_proj.")
    var targets: TargetList?

    @Option(help: "Rows of an optimizer step; 2, or the federation's.")
    var batchSize: Int?

    @Option(help: "Optimizer steps of a round, for its time; 20, or the federation's.")
    var localSteps: Int?

    @Option(help: "best, or one that is taken if it fits: read, mezo.")
    var method: PlanningRequest.Wish = .best

    @Option(help: "What this machine computes in training, in 10^9 operations a second.")
    var gflops: Double?

    @Option(help: "Bytes of text that will be trained on.")
    var textSize: MemorySize?

    @Flag(help: "For a node of a federation: with network, store, and the adapter of all layers.")
    var node = false

    @Option(help: "Threads that compute; all cores unless told otherwise.")
    var threads: Int?

    @Option(help: "What products read: f32, bf16, or auto for the faster one of this machine.")
    var compute: ComputeChoice = .auto

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        for (name, value, range) in [
            ("length", length ?? 1, 1...1_048_576), ("rank", rank ?? 1, 1...1_024),
            ("batch-size", batchSize ?? 1, 1...65_536),
            ("local-steps", localSteps ?? 1, 1...100_000),
            ("threads", threads ?? 1, 1...1_024),
        ] where !range.contains(value) {
            throw ValidationError(
                "--\(name) is \(value); give \(range.lowerBound) to \(range.upperBound).")
        }
        if let gflops, !(gflops > 0 && gflops.isFinite) {
            throw ValidationError("--gflops is \(gflops); give a number above 0.")
        }
    }

    func run() async throws {
        try await withSharedConsole(output) { console in
            let manifest =
                model == nil
                ? try await NodeStatus.read(home: home.folder).manifest.manifest : nil
            let name = model ?? manifest?.baseModelDigest.hexadecimal ?? ""
            let subject = try PlannedModel(named: name, home: home.folder)
            let report = PlanReport(
                name: manifest?.baseModelName ?? subject.name,
                planner: MemoryPlanner(request(subject.outline, manifest)),
                localStepCount: localSteps ?? manifest?.training.localStepCount ?? 20
            )
            report.print(to: console)
        }
    }

    private func request(_ outline: ModelOutline, _ manifest: Manifest?) -> PlanningRequest {
        let isNode = node || manifest != nil
        var request = PlanningRequest(model: outline, budget: memory)
        request.program = isNode ? .node : .train
        request.holdsWholeAdapter = isNode
        request.trainsParts = manifest?.allowsParts ?? true
        request.wish = method
        request.threadCount =
            threads
            ?? (isNode
                ? NodeSettings.standardThreadCount : ProcessInfo.processInfo.activeProcessorCount)
        request.computeType =
            ModelOptions(compute: compute, base: .auto, recompute: .none).computeType
        request.rank = rank ?? manifest?.adapter.rank ?? AdapterOptions.standardRank
        request.targets =
            targets?.projections
            ?? manifest?.adapter.targets.compactMap(Projection.init) ?? Projection.allCases
        request.sequenceLength =
            length ?? manifest?.training.sequenceLength ?? TrainSession.standardLength
        request.batchSize = batchSize ?? manifest?.training.batchSize ?? 2
        request.textByteCount = textSize?.byteCount ?? 0
        request.gigaflops = gflops
        return request
    }
}
