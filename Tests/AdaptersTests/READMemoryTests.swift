import Checkpoints
import Foundation
import Kernels
import Testing

@testable import Adapters
@testable import Models

@Suite struct READMemoryTests {
    static let smolLM2 = ModelConfiguration(
        modelType: "llama",
        hiddenSize: 576,
        intermediateSize: 1_536,
        layerCount: 30,
        attentionHeadCount: 9,
        keyValueHeadCount: 3,
        headDimension: 64,
        vocabularySize: 49_152,
        positionCountMax: 8_192,
        rmsNormEpsilon: 1e-5,
        ropeTheta: 100_000,
        tiesWordEmbeddings: true
    )

    private func batch(length: Int, every: Int = 1) -> TokenBatch {
        TokenBatch(
            sequenceCount: 1, length: length, inputs: (0..<length).map { Int32($0 % 64) },
            targets: (0..<length).map { $0 % every == 0 ? Int32($0 * 5 % 64) : -1 })
    }

    @Test(arguments: READTests.configurations(), ComputeType.allCases)
    func `the formula is what a training pass allocates`(
        configuration: READConfiguration,
        type: ComputeType
    ) throws {
        let source = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
        for (length, chunk) in [(9, nil), (33, 5), (64, 16)] as [(Int, Int?)] {
            let options = ModelOptions(computeType: type, logitsRowCount: chunk)
            let model = try Llama(source: source, options: options)
            let adapter = READFixture.adapter(configuration, source.configuration)
            _ = model.accumulateGradients(
                batch(length: length), normalizer: 1, hiddenTap: adapter)
            let memory = model.memory(rowCount: length, length: length, hiddenTap: adapter)
            #expect(memory.activationByteCount == model.bufferByteCount.activations)
            #expect(memory.adapterByteCount == adapter.memory.byteCount)
            #expect(memory.byteCount > memory.weightByteCount + memory.adapterByteCount)
        }
    }

    @Test func `rows without a target take no memory`() throws {
        let source = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
        let model = try Llama(source: source, options: .exact)
        let counts = [1, 4].map { every in
            let adapter = READFixture.adapter(
                READConfiguration(stateSize: 8), source.configuration)
            _ = model.accumulateGradients(
                batch(length: 64, every: every), normalizer: 1, hiddenTap: adapter)
            return adapter.memory.states.count
        }
        #expect(counts[0] == 4 * counts[1])
    }

    /// L T d b for the states, c L (d + 6 h) 4 for a chunk; the parameters' copies come on top.
    @Test func `the size on a model of 135 million weights is the published formula's`() {
        let adapter = READAdapter(
            configuration: READConfiguration(), model: Self.smolLM2, seed: 0)
        let (layers, rows, width, state, chunk) = (30, 512, 576, 256, 128)
        for (type, bytes) in [(ComputeType.bfloat16, 2), (.float32, 4)] {
            let actual = adapter.passByteCount(
                rowCount: rows, chunkRowCount: chunk, type: type)
            let states = layers * rows * width * bytes
            let formula = states + chunk * layers * (width + 6 * state) * 4
            let copies =
                adapter.parameterCount * bytes + 3 * state * width * 4 + 4 * (4 * state + 2 * width)
            #expect(Double(actual) < 1.05 * Double(formula + copies))
            #expect(actual > states)
        }
    }

    private func activationByteCount(_ model: ModelConfiguration, trainsLayers: Bool) -> Int {
        DecoderLayout(
            model,
            DecoderWorkspace.Extents(
                rowCount: 512, trains: trainsLayers, lowestLayer: 0,
                tapWidths: [[Int]](
                    repeating: trainsLayers ? [24, 8, 16, 8] : [0, 0, 0, 0],
                    count: model.layerCount),
                computeType: .bfloat16, recomputation: .none, logitsCount: 0)
        ).valueCount * 4
    }

    @Test func `the layers keep nothing, however many there are`() {
        var deep = Self.smolLM2
        deep.layerCount = 300
        let own = activationByteCount(Self.smolLM2, trainsLayers: false)
        #expect(activationByteCount(deep, trainsLayers: false) == own)
        let kept = activationByteCount(Self.smolLM2, trainsLayers: true)
        #expect(activationByteCount(deep, trainsLayers: true) > 8 * kept)
        #expect(own < kept / 5)
    }

    /// The paper saves 56 % of full tuning's memory: weights, gradients and moments of 16 bytes each,
    /// and 19.35 values a channel and layer that PyTorch's graph keeps.
    @Test func `a pass takes less than 44 percent of full tuning`() {
        let adapter = READAdapter(
            configuration: READConfiguration(), model: Self.smolLM2, seed: 0)
        let weights = 134_515_008.0
        let (rows, width, layers, vocabulary) = (512.0, 576.0, 30.0, 49_152.0)
        let full = 16 * weights + 19.35 * rows * width * layers * 4 + rows * vocabulary * 4
        let own =
            2 * weights + 16 * Double(adapter.parameterCount)
            + Double(activationByteCount(Self.smolLM2, trainsLayers: false))
            + 32 * vocabulary * 4
            + Double(adapter.passByteCount(rowCount: 512, chunkRowCount: 128, type: .bfloat16))
        #expect(own < 0.44 * full)
    }

    @Test func `a step computes one forward pass and little more`() {
        let adapter = READAdapter(
            configuration: READConfiguration(), model: Self.smolLM2, seed: 0)
        let own = adapter.operationCount(rowCount: 512)
        // N (d h + h^2) times a constant that is small: 3 gates, 2 operations, forward and back.
        #expect(own < 512 * 30 * 3 * 2 * 3 * (576 * 256 + 256 * 256))
        var deeper = Self.smolLM2
        deeper.layerCount = 60
        let twice = READAdapter(configuration: READConfiguration(), model: deeper, seed: 0)
        let output = 512 * 6 * 576 * 256
        #expect(twice.operationCount(rowCount: 512) - output == 2 * (own - output))
        let limit = ProductLimit(Self.smolLM2, rowCount: 512, type: .bfloat16)
        let (forward, both) = (
            limit.operationCount(trains: false), limit.operationCount(trains: true)
        )
        let head = 2 * 512 * 576 * 49_152
        #expect(Double(forward + head + own) < 0.8 * Double(both))
    }
}
