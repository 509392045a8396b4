import Benchmark
import Foundation
import Kernels
import Tensors

/// The kernels with the extents of a training step of SmolLM2-135M over 512 tokens.
let benchmarks: @Sendable () -> Void = {
    ComputeThreads.set(ProcessInfo.processInfo.activeProcessorCount)
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .cpuTotal, .throughput],
        warmupIterations: 2,
        maxDuration: .seconds(2),
        maxIterations: 200
    )
    for type in ComputeType.allCases {
        productBenchmarks(type)
        weightBenchmarks(type)
        rowBenchmarks(type)
        attentionBenchmarks(type)
        crossEntropyBenchmark(type)
    }
    dequantisationBenchmarks()
}

/// Rows of a step: the tokens.
let rowCount = 512
let hiddenSize = 576
let innerSize = 1536
let vocabularySize = 49152
