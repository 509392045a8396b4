import Adapters
import Benchmark
import Foundation
import Kernels
import Models
import Tensors

/// One layer of SmolLM2-135M with rank 8 on all projections.
///
/// The loss over a vocabulary of 256 is part of it, a few hundredths of the time.
let benchmarks: @Sendable () -> Void = {
    ComputeThreads.set(ProcessInfo.processInfo.activeProcessorCount)
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .cpuTotal, .throughput],
        warmupIterations: 2,
        maxDuration: .seconds(3),
        maxIterations: 100
    )
    let stored: [ElementType] = [.q4_0, .q4_1, .q8_0]
    let cases =
        [("f32", ElementType.float32, ModelOptions.exact)]
        + [("bf16", .float32, ModelOptions(storage: .bfloat16, computeType: .bfloat16))]
        + stored.map {
            ("bf16 on \($0.rawValue)", $0, ModelOptions(storage: .encoded, computeType: .bfloat16))
        }
    for (name, elementType, options) in cases {
        for (sequences, length) in [(1, 512), (4, 256)] {
            let shape = "\(sequences)x\(length)x576 \(name)"
            Benchmark("layer forward \(shape)") { benchmark in
                try layer(benchmark, elementType, options, sequences, length, trains: false)
            }
            Benchmark("layer forward+backward \(shape)") { benchmark in
                try layer(benchmark, elementType, options, sequences, length, trains: true)
            }
        }
    }
}

private func layer(
    _ benchmark: Benchmark,
    _ elementType: ElementType,
    _ options: ModelOptions,
    _ sequences: Int,
    _ length: Int,
    trains: Bool
) throws {
    let source = RandomModel(elementType: elementType)
    let model = try CausalLanguageModel(source: source, options: options)
    let adapter = LoRAAdapter(
        configuration: LoRAConfiguration(rank: 8, alpha: 16), model: model.configuration, seed: 1)
    let adapted = AdaptedModel(model: model, adapter: adapter)
    let tokens = (0...sequences * length).map { Int32($0 * 37 % 251) }
    let batch = TokenBatch(
        sequenceCount: sequences,
        length: length,
        inputs: Array(tokens.dropLast()),
        targets: Array(tokens.dropFirst())
    )
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
        if trains {
            adapter.zeroGradients()
            blackHole(adapted.accumulateGradients(batch, normalizer: Double(batch.targetCount)))
        } else {
            blackHole(adapted.loss(batch))
        }
    }
    benchmark.stopMeasurement()
}
