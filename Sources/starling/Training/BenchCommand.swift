internal import Adapters
internal import ArgumentParser
internal import Foundation
internal import Kernels
internal import Models
internal import Tensors

/// Measures how fast this machine trains a model, against what its products alone allow.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure training speed and memory of a model on this machine.",
        discussion: """
            Tokens are random: only speed and memory are measured. The limit is the time of the \
            frozen weights' matrix products alone, measured in the same run after the steps, so \
            that the peak of memory is that of training.
            """
    )

    /// What a step does.
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case train, forward
    }

    @Option(help: "A GGUF file, a Hugging Face folder, or a name in the store.")
    var model: String

    @Option(help: "train for whole steps, forward for the loss alone.")
    var kind: Kind = .train

    @Option(help: "Sequences of a step.")
    var batch = 1

    @Option(help: "Tokens of a sequence.")
    var length = 512

    @Option(help: "Measured steps.")
    var steps = 5

    @Option(help: "Steps before the measured ones.")
    var warmup = 2

    @Option(help: "lora or read: what is trained.")
    var method: MethodOption = .lora

    @OptionGroup var read: ReadOptions

    @Option(help: "The rank of the adapter.")
    var rank = 8

    @Option(help: "all, or a list such as q_proj,v_proj.")
    var targets: TargetList?

    @Option(help: "Adapt only the last N layers.")
    var lastLayers: Int?

    @Flag(help: "Do not measure the limit.")
    var noLimit = false

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        for (name, value, range) in [
            ("batch", batch, 1...4_096), ("length", length, 1...1_048_576),
            ("steps", steps, 1...100_000), ("warmup", warmup, 0...100_000),
            ("rank", rank, 1...1_024), ("last-layers", lastLayers ?? 1, 1...65_536),
        ] where !range.contains(value) {
            throw ValidationError(
                "--\(name) is \(value); give \(range.lowerBound) to \(range.upperBound).")
        }
        try read.check(method: method)
        try compute.check()
    }

    func run() throws {
        try withConsole(output) { console in
            let start = ContinuousClock().now
            compute.apply()
            let loaded = try LoadedModel(
                named: model, home: home, options: compute.modelOptions)
            _ = try loaded.checkedLength(length)
            let run = BenchRun(command: self, model: loaded.model, start: start)
            let figures = run.measure()
            console.report(record(loaded, figures), text: text(loaded, figures))
        }
    }

    private func record(_ loaded: LoadedModel, _ figures: BenchFigures) -> JSONRecord {
        var record = JSONRecord()
        record.add("system", "starling")
        record.add("kind", kind.rawValue)
        record.add("model", loaded.name)
        record.add("kernels", KernelReport.line)
        record.add("compute", loaded.model.options.computeType.rawValue)
        record.add("base", loaded.model.options.storage.rawValue)
        record.add("recompute", loaded.model.options.recomputation.rawValue)
        record.add("batch", batch)
        record.add("length", length)
        record.add("method", method.rawValue)
        record.add("rank", rank)
        record.add("targets", targets?.projections.count ?? Projection.allCases.count)
        record.add("threads", ComputeThreads.count)
        record.add("first_step_seconds", figures.firstStepSeconds)
        record.add("tokens_per_second", figures.speeds.median)
        record.add("tokens_per_second_min", figures.speeds.min() ?? 0)
        record.add("tokens_per_second_max", figures.speeds.max() ?? 0)
        record.add("tokens_per_cpu_second", figures.tokensPerCPUSecond)
        if let limit = figures.limitTokensPerSecond {
            record.add("limit_tokens_per_second", limit)
            record.add("limit_gflops", figures.limitGigaflops)
            record.add("share_of_limit", figures.speeds.median / limit)
        }
        record.add("loss_first", figures.losses.first ?? 0)
        record.add("loss_last", figures.losses.last ?? 0)
        record.add("peak_memory_bytes", figures.peakByteCount)
        return record
    }

    private func text(_ loaded: LoadedModel, _ figures: BenchFigures) -> String {
        let options = loaded.model.options
        let median = figures.speeds.median
        var lines = [
            "\(loaded.name), \(options.computeType.rawValue) products, "
                + "\(options.storage.rawValue) base, \(KernelReport.line)",
            "\(kind.rawValue) \(batch) x \(length)   \(median.text(places: 0)) tokens/s "
                + "(\((figures.speeds.min() ?? 0).text(places: 0)) to "
                + "\((figures.speeds.max() ?? 0).text(places: 0)))",
        ]
        if let limit = figures.limitTokensPerSecond {
            lines.append(
                "limit           \(limit.text(places: 0)) tokens/s, "
                    + "\(figures.limitGigaflops.text(places: 0)) GFLOP/s; reached "
                    + "\((100 * median / limit).text(places: 0)) %")
        }
        let mebibytes = Double(figures.peakByteCount) / 1_048_576
        lines.append("first step      \(figures.firstStepSeconds.text(places: 2)) s after start")
        lines.append("peak memory     \(mebibytes.text(places: 0)) MiB")
        return lines.joined(separator: "\n")
    }
}
