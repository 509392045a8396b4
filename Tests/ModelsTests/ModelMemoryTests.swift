import Checkpoints
import Kernels
import Tensors
import Testing

@testable import Models

@Suite struct ModelMemoryTests {
    static let taps: [(layers: Range<Int>, sites: Set<ProjectionSite>, firstTrained: Int)] = [
        (0..<3, Set(ProjectionSite.allCases), 0), (2..<3, [.attentionInput, .mlpOutput], 0),
        (1..<2, [.mlpInput], 0), (0..<3, Set(ProjectionSite.allCases), 2),
        (0..<2, [.attentionOutput, .mlpInput], 1),
    ]

    @Test(arguments: ComputeType.allCases, ModelOptions.Recomputation.allCases)
    func `the formula is what a training pass allocates`(
        type: ComputeType,
        recomputation: ModelOptions.Recomputation
    ) throws {
        let source = EncodedTensorSource.mixed()
        for (layers, sites, firstTrained) in Self.taps {
            for (sequenceCount, length) in [(1, 9), (3, 70)] {
                for threadCount in 1...3 {
                    // Logits of few rows fit over the gradients, those of many don't.
                    let options = ModelOptions(
                        computeType: type, recomputation: recomputation,
                        logitsRowCount: threadCount == 2 ? 128 : 5)
                    let model = try Llama(source: source, options: options)
                    let tap = StubTap(
                        layers: layers, sites: sites, width: 3, firstTrainedLayer: firstTrained)
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
                    // Each trained site came back once with the state that it left.
                    let sites = layers.filter { $0 >= firstTrained }.count * sites.count
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

    @Test func `layers below the first trained one keep nothing`() throws {
        let model = try CausalLanguageModel(
            source: EncodedTensorSource.mixed(), options: ModelOptions(computeType: .float32))
        let counts = (0..<3).map { first in
            let tap = StubTap(layers: 0..<3, width: 8, firstTrainedLayer: first)
            return model.memory(rowCount: 100, length: 100, tap: tap).activationByteCount
        }
        // The layers below share the views of one.
        #expect(counts[0] >= counts[1] && counts[1] > counts[2])
        let alone = StubTap(layers: 2..<3, width: 8)
        #expect(
            counts[2] == model.memory(rowCount: 100, length: 100, tap: alone).activationByteCount)
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

/// The same figures from extents alone.
@Suite struct ModelOutlineTests {
    static func widths(_ tap: StubTap) -> [[Int]] {
        (0..<3).map { layer in
            ProjectionSite.allCases.map { tap.stateWidth(layer: layer, site: $0) }
        }
    }

    @Test(arguments: ComputeType.allCases, ModelOptions.Recomputation.allCases)
    func `a pass is predicted from extents and descriptions of tensors alone`(
        type: ComputeType,
        recomputation: ModelOptions.Recomputation
    ) throws {
        let source = EncodedTensorSource.mixed()
        let outline = try ModelOutline(
            configuration: source.configuration, tensors: source.tensors)
        // Of streamed weights only a bound is known before they are there.
        for storage in FrozenWeight.Storage.allCases where storage != .streamed {
            for logitsRowCount in [nil, 5] {
                let options = ModelOptions(
                    storage: storage, computeType: type, recomputation: recomputation,
                    logitsRowCount: logitsRowCount)
                let model = try CausalLanguageModel(source: source, options: options)
                for first in 0...3 {
                    let tap = StubTap(layers: 0..<3, width: 3, firstTrainedLayer: first)
                    let predicted = ModelMemory(
                        outline, options: options, rowCount: 3 * 70, length: 70,
                        tap: TapOutline(stateWidths: Self.widths(tap), firstTrainedLayer: first),
                        trains: true, threadCount: ComputeThreads.count)
                    #expect(predicted == model.memory(rowCount: 3 * 70, length: 70, tap: tap))
                }
            }
        }
    }

    @Test func `a checkpoint without a matrix is refused, naming it`() throws {
        let source = EncodedTensorSource.mixed()
        let name = "model.layers.1.mlp.down_proj.weight"
        #expect(throws: ModelError.missingTensor(name: name)) {
            try ModelOutline(
                configuration: source.configuration,
                tensors: source.tensors.filter { $0.name != name })
        }
    }

    /// The table of SmolLM2-135M's bases: 513, 257 and 92 MiB.
    @Test func `the sizes of a known model are those of its files`() {
        let outline = ModelOutline(
            configuration: ModelConfiguration(
                modelType: "llama", hiddenSize: 576, intermediateSize: 1536, layerCount: 30,
                attentionHeadCount: 9, keyValueHeadCount: 3, headDimension: 64,
                vocabularySize: 49_152, positionCountMax: 8_192, rmsNormEpsilon: 1e-5,
                ropeTheta: 100_000, tiesWordEmbeddings: true),
            bitsPerWeight: 8 * 20 / 32)
        #expect(outline.weightByteCount(.float32) == 4 * 134_479_872)
        #expect(outline.weightByteCount(.bfloat16) == 2 * 134_479_872)
        #expect(outline.layerByteCounts.reduce(0, +) == 66_355_200)
    }
}
