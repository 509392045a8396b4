import Checkpoints
import Kernels
import Tensors
import Testing

@testable import Models

@Suite struct ModelMemoryTests {
    static let taps: [(layers: Range<Int>, sites: Set<ProjectionSite>)] = [
        (0..<3, Set(ProjectionSite.allCases)), (2..<3, [.attentionInput, .mlpOutput]),
        (1..<2, [.mlpInput]),
    ]

    @Test(arguments: ComputeType.allCases, ModelOptions.Recomputation.allCases)
    func `the formula is what a training pass allocates`(
        type: ComputeType,
        recomputation: ModelOptions.Recomputation
    ) throws {
        let source = EncodedTensorSource.mixed()
        for (layers, sites) in Self.taps {
            for (sequenceCount, length) in [(1, 9), (3, 70)] {
                for threadCount in 1...3 {
                    // Logits of few rows fit over the gradients, those of many don't.
                    let options = ModelOptions(
                        computeType: type, recomputation: recomputation,
                        logitsRowCount: threadCount == 2 ? 128 : 5)
                    let model = try Llama(source: source, options: options)
                    let tap = StubTap(layers: layers, sites: sites, width: 3)
                    let count = sequenceCount * length
                    let batch = TokenBatch(
                        sequenceCount: sequenceCount, length: length,
                        inputs: (0..<count).map { Int32($0 % 64) },
                        targets: (0..<count).map { Int32($0 * 5 % 64) })
                    ComputeThreads.with(count: threadCount) {
                        _ = model.accumulateGradients(
                            batch, normalizer: Double(count), tap: tap)
                        let memory = model.memory(rowCount: count, length: length, tap: tap)
                        let buffers = model.bufferByteCount
                        #expect(memory.activationByteCount == buffers.activations)
                        #expect(memory.attentionByteCount == buffers.attention)
                        #expect(
                            memory.byteCount
                                == memory.weightByteCount + buffers.activations
                                + buffers.attention)
                    }
                    // Each adapted site came back once with the state that it left.
                    let sites = layers.count * sites.count
                    #expect(tap.backwardCount == sites && tap.matchCount == sites)
                }
            }
        }
    }

    @Test func `the weights take what their storage says`() throws {
        let source = EncodedTensorSource.mixed()
        let weights = source.tensors.filter { $0.shape.extents.count == 2 }
        let elementCount = weights.reduce(0) { $0 + $1.shape.elementCount }
        for (storage, byteCount) in [
            (.float32, 4 * elementCount), (.bfloat16, 2 * elementCount),
            (.encoded, weights.reduce(0) { $0 + $1.byteCount }),
        ] as [(FrozenWeight.Storage, Int)] {
            let model = try CausalLanguageModel(
                source: source, options: ModelOptions(storage: storage))
            #expect(model.memory(rowCount: 1, length: 1).weightByteCount == byteCount)
        }
    }

    @Test func `keeping less takes less`() throws {
        let tap = StubTap(layers: 0..<3, width: 8)
        let counts = try ModelOptions.Recomputation.allCases.map { recomputation in
            let model = try CausalLanguageModel(
                source: EncodedTensorSource.mixed(),
                options: ModelOptions(computeType: .float32, recomputation: recomputation))
            return model.memory(rowCount: 100, length: 100, tap: tap).activationByteCount
        }
        #expect(counts[0] > counts[1] && counts[1] > counts[2])
    }
}
