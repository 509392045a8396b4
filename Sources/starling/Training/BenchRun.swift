internal import Adapters
internal import Checkpoints
internal import Foundation
internal import Glibc
internal import Kernels
internal import Models
internal import NodeServices
internal import Tensors
internal import Training

/// What `starling bench` measured.
struct BenchFigures {
    var firstStepSeconds = 0.0
    var speeds: [Double] = []
    var losses: [Double] = []
    var tokensPerCPUSecond = 0.0
    var peakByteCount = 0
    var limitTokensPerSecond: Double?
    var limitGigaflops = 0.0
}

/// The steps of `starling bench`.
struct BenchRun {
    private let command: BenchCommand
    private let model: CausalLanguageModel
    private let start: ContinuousClock.Instant
    private let clock = ContinuousClock()

    init(command: BenchCommand, model: CausalLanguageModel, start: ContinuousClock.Instant) {
        self.command = command
        self.model = model
        self.start = start
    }

    func measure() -> BenchFigures {
        var figures = BenchFigures()
        let adapter = makeAdapter()
        let adapted = AdaptedModel(model: model, adapter: adapter)
        let batch = makeBatch()
        var optimizer = AdamW(parameterCount: adapter.parameterCount)
        var cpuStart = 0.0
        for step in 0..<command.warmup + command.steps {
            if step == command.warmup { cpuStart = Self.cpuSeconds() }
            let begin = clock.now
            let sum = self.step(adapted, adapter, batch, &optimizer)
            let seconds = (clock.now - begin).seconds
            figures.losses.append(sum.nats / Double(max(sum.tokenCount, 1)))
            if step == 0 { figures.firstStepSeconds = (clock.now - start).seconds }
            if step >= command.warmup {
                figures.speeds.append(Double(batch.positionCount) / max(seconds, 1e-9))
            }
        }
        let tokens = Double(command.steps * batch.positionCount)
        figures.tokensPerCPUSecond = tokens / max(Self.cpuSeconds() - cpuStart, 1e-9)
        figures.peakByteCount = ProcessMemory.peakByteCount()
        if !command.noLimit { measureLimit(into: &figures, rowCount: batch.positionCount) }
        return figures
    }

    private func step(
        _ adapted: AdaptedModel,
        _ adapter: any TrainableAdapter,
        _ batch: TokenBatch,
        _ optimizer: inout AdamW
    ) -> LossSum {
        guard command.kind == .train else { return adapted.loss(batch) }
        adapter.zeroGradients()
        let sum = adapted.accumulateGradients(batch, normalizer: Double(batch.targetCount))
        unsafe adapter.withGradients { gradients in
            unsafe adapter.withParameters { parameters in
                var parameters = unsafe parameters.mutableSpan
                optimizer.update(
                    &parameters, gradients: unsafe gradients.span, learningRate: 2e-4)
            }
        }
        return sum
    }

    private func makeAdapter() -> any TrainableAdapter {
        if command.method == .read {
            return command.read.make(for: model.configuration, seed: 1)
        }
        return LoRAAdapter(
            configuration: LoRAConfiguration(
                rank: command.rank,
                alpha: Double(2 * command.rank),
                targets: command.targets?.projections ?? Projection.allCases,
                layers: command.lastLayers.flatMap {
                    LoRAConfiguration.lastLayers($0, of: model.configuration.layerCount)
                }
            ),
            model: model.configuration,
            seed: 1
        )
    }

    private func makeBatch() -> TokenBatch {
        var generator = SplitMix64(seed: 7)
        let vocabulary = UInt64(model.configuration.vocabularySize)
        let count = command.batch * command.length
        let tokens = (0...count).map { _ in Int32(truncatingIfNeeded: generator.next() % vocabulary)
        }
        return TokenBatch(
            sequenceCount: command.batch,
            length: command.length,
            inputs: Array(tokens[..<count]),
            targets: Array(tokens[1...])
        )
    }

    private func measureLimit(into figures: inout BenchFigures, rowCount: Int) {
        let trains = command.kind == .train
        let limit = ProductLimit(
            model.configuration, rowCount: rowCount, type: model.options.computeType)
        limit.run(trains: trains)
        var seconds: [Double] = []
        for _ in 0..<max(3, min(command.steps, 7)) {
            let begin = clock.now
            limit.run(trains: trains)
            seconds.append((clock.now - begin).seconds)
        }
        figures.limitTokensPerSecond = Double(rowCount) / seconds.median
        figures.limitGigaflops =
            Double(limit.operationCount(trains: trains)) / seconds.median / 1e9
    }

    /// Processor time of the whole process.
    private static func cpuSeconds() -> Double {
        Double(Glibc.clock()) / Double(CLOCKS_PER_SEC)
    }
}

extension [Double] {
    /// The middle value; the mean of both where there are two; 0 of nothing.
    var median: Double {
        guard !isEmpty else { return 0 }
        let sorted = sorted()
        let middle = count / 2
        return count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
