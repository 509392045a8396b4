import Adapters
import Checkpoints
import Foundation
import Kernels
import Tensors
import Testing

@testable import Models

@Suite struct READTests {
    static let batch = LoRATests.batch

    static func model(_ options: ModelOptions = .exact) throws -> CausalLanguageModel {
        try CausalLanguageModel(
            source: MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration()),
            options: options)
    }

    static func configurations() -> [READConfiguration] {
        RecurrentCell.allCases.flatMap { cell in
            READConfiguration.Aggregation.allCases.map { aggregation in
                READConfiguration(
                    stateSize: 8, cell: cell, aggregation: aggregation,
                    startsFromEmbedding: aggregation == .mean)
            }
        }
    }

    @Test(arguments: configurations())
    func `a fresh adapter leaves every logit as it is, and has the same start each time`(
        configuration: READConfiguration
    ) throws {
        let base = try Self.model()
        let (first, second, third) = (
            READAdapter(configuration: configuration, model: base.configuration, seed: 7),
            READAdapter(configuration: configuration, model: base.configuration, seed: 7),
            READAdapter(configuration: configuration, model: base.configuration, seed: 8)
        )
        #expect(base.logits(Self.batch, through: first.tap) == base.logits(Self.batch))
        #expect(first.parameters == second.parameters)
        #expect(first.parameters != third.parameters)
        for element in first.parameters.elements {
            switch element.name {
            case "read.norm.weight": #expect(element.tensor.values.allSatisfy { $0 == 1 })
            case "read.out.weight", "read.out.bias":
                #expect(element.tensor.values.allSatisfy { $0 == 0 })
            case let name:
                let fanIn: Float = name.hasPrefix("read.init") ? 16 : 8
                let bound = 1 / fanIn.squareRoot()
                #expect(element.tensor.values.allSatisfy { abs($0) < bound && $0 != 0 })
            }
        }
        let uniform = READAdapter(
            configuration: configuration, model: base.configuration, seed: 7,
            outputStart: .uniform)
        #expect(base.logits(Self.batch, through: uniform.tap) != base.logits(Self.batch))
    }

    @Test func `the number of parameters is the formula's and knows nothing of layers`() {
        func count(hidden: Int, layers: Int, _ configuration: READConfiguration) -> Int {
            var model = MemoryTensorSource.smallConfiguration()
            model.hiddenSize = hidden
            model.layerCount = layers
            let adapter = READAdapter(configuration: configuration, model: model, seed: 0)
            #expect(adapter.parameters.elementCount == adapter.parameterCount)
            return adapter.parameterCount
        }
        // One of the paper's stacks, T5-base's, without the norm: half of 1,970,688.
        #expect(count(hidden: 768, layers: 12, READConfiguration()) - 768 == 985_344)
        #expect(count(hidden: 1_024, layers: 24, READConfiguration()) - 1_024 == 1_247_744)
        #expect(count(hidden: 576, layers: 30, READConfiguration()) == 789_120)
        #expect(count(hidden: 576, layers: 3, READConfiguration()) == 789_120)
        #expect(count(hidden: 576, layers: 30, READConfiguration(cell: .lstm)) == 1_002_624)
        #expect(
            count(
                hidden: 576, layers: 9, READConfiguration(stateSize: 64, startsFromEmbedding: true))
                == 3 * (576 * 64 + 64 * 64 + 2 * 64) + 64 * 576 + 576 + 576 + 576 * 64 + 64)
    }

    /// After the layers ran, their weights are overwritten.
    final class Poison: HiddenStateTap {
        let adapter: READAdapter
        let model: Llama
        var takeCount = 0

        init(adapter: READAdapter, model: Llama) {
            self.adapter = adapter
            self.model = model
        }

        func begin(rows: [Int], chunkRowCount: Int, type: ComputeType, trains: Bool) {
            adapter.begin(
                rows: rows, chunkRowCount: chunkRowCount, type: type, trains: trains)
        }

        func take(_ stream: Matrix, depth: Int) {
            #expect(depth == takeCount)
            takeCount += 1
            adapter.take(stream, depth: depth)
            guard depth == model.configuration.layerCount else { return }
            for layer in model.weights.layers {
                for weight in [layer.queryKeyValue, layer.output, layer.gateUp, layer.down] {
                    let values = [Float](
                        repeating: .nan, count: weight.rowCount * weight.columnCount)
                    unsafe values.withUnsafeBytes {
                        _ = unsafe weight.fill(
                            rows: 0..<weight.rowCount, from: $0, type: .float32)
                    }
                }
                layer.inputNorm.fill(.nan)
                layer.middleNorm.fill(.nan)
            }
        }

        func correct(_ hidden: Matrix, rows: Range<Int>) { adapter.correct(hidden, rows: rows) }

        func accumulateGradients(_ gradient: Matrix, rows: Range<Int>) {
            adapter.accumulateGradients(gradient, rows: rows)
        }

        func passByteCount(rowCount: Int, chunkRowCount: Int, type: ComputeType) -> Int { 0 }
    }

    @Test(arguments: configurations())
    func `gradients need nothing of the layers once they ran`(configuration: READConfiguration)
        throws
    {
        let source = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
        let whole = READFixture.adapter(configuration, source.configuration)
        let poisoned = READFixture.adapter(configuration, source.configuration)
        let expected = try Llama(source: source, options: .exact).accumulateGradients(
            Self.batch, normalizer: 11, hiddenTap: whole)
        let model = try Llama(source: source, options: .exact)
        let tap = Poison(adapter: poisoned, model: model)
        let sum = model.accumulateGradients(Self.batch, normalizer: 11, hiddenTap: tap)
        #expect(sum == expected && sum.nats.isFinite)
        #expect(poisoned.gradients == whole.gradients)
        // One forward pass, and the layers are not read again.
        #expect(tap.takeCount == source.configuration.layerCount + 1)
        // The poison works.
        #expect(model.loss(Self.batch, tap: nil).nats.isNaN)
    }

    @Test func `only the adapter has gradients, and the model's bytes stay`() throws {
        let source = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
        let model = try Llama(source: source, options: .exact)
        func weights() -> [[Float]] {
            let layers = model.weights.layers
            let matrices = layers.flatMap { [$0.queryKeyValue, $0.output, $0.gateUp, $0.down] }
            let values = (matrices + [model.weights.embedding, model.weights.head]).map { weight in
                let buffer = FloatBuffer(count: weight.rowCount * weight.columnCount)
                let copy = buffer.take(rows: weight.rowCount, columns: weight.columnCount)
                weight.rows(at: (0..<Int32(weight.rowCount)).map(\.self), into: copy)
                return copy.values
            }
            return values + layers.flatMap { [$0.inputNorm.values, $0.middleNorm.values] }
                + [model.weights.finalNorm.values]
        }
        let before = weights()
        let adapter = READFixture.adapter(READConfiguration(stateSize: 8), model.configuration)
        _ = model.accumulateGradients(Self.batch, normalizer: 11, hiddenTap: adapter)
        #expect(weights() == before)
        #expect(
            adapter.gradients.names == [
                "read.norm.weight", "read.out.bias", "read.out.weight", "read.rnn.bias_hh_l0",
                "read.rnn.bias_ih_l0", "read.rnn.weight_hh_l0", "read.rnn.weight_ih_l0",
            ])
        #expect(adapter.gradients.hasSameLayout(as: adapter.parameters))
        for element in adapter.gradients.elements { #expect(LoRATests.norm(element.tensor) > 0) }
    }

    /// Hands states to the adapter as a model would.
    private func correction(_ adapter: READAdapter, _ states: [Matrix]) -> [Float] {
        let rows = states[0].rowCount
        adapter.begin(
            rows: Array(0..<rows), chunkRowCount: 2, type: .float32, trains: false)
        for (depth, state) in states.enumerated() { adapter.take(state, depth: depth) }
        let buffer = FloatBuffer(count: rows * states[0].columnCount)
        let result = buffer.take(rows: rows, columns: states[0].columnCount)
        result.fill(0)
        for lower in stride(from: 0, to: rows, by: 2) {
            let range = lower..<min(lower + 2, rows)
            adapter.correct(result.rows(range), rows: range)
        }
        return result.values
    }

    @Test(arguments: configurations())
    func `some layers are a shorter list of layers`(configuration: READConfiguration) {
        var (long, short) = (
            MemoryTensorSource.smallConfiguration(), MemoryTensorSource.smallConfiguration()
        )
        (long.layerCount, short.layerCount) = (6, 3)
        let states = (0...6).map { depth in
            let state = FloatBuffer(count: 5 * 16).take(rows: 5, columns: 16)
            state.copy(from: (0..<80).map { Float(sin(0.3 * Double($0) + Double(depth))) })
            return state
        }
        var some = configuration
        some.adaptedLayers = [1, 2, 5]
        let expected = correction(
            READFixture.adapter(configuration, short), [0, 2, 3, 6].map { states[$0] })
        #expect(correction(READFixture.adapter(some, long), states) == expected)
        #expect(correction(READFixture.adapter(configuration, long), states) != expected)
        some.adaptedLayers = Array(0..<6)
        #expect(
            correction(READFixture.adapter(some, long), states)
                == correction(READFixture.adapter(configuration, long), states))
    }

    @Test(arguments: configurations())
    func `a text continues as its logits say`(configuration: READConfiguration) throws {
        let base = try Self.model()
        let adapter = READFixture.adapter(configuration, base.configuration)
        let model = AdaptedModel(model: base, adapter: adapter)
        let all = base.logits(Self.batch, through: adapter.tap).values
        let tokens = Self.batch.inputs.map { Int($0) }
        let state = model.makeGenerationState(capacity: 12)
        for range in [0..<5, 5..<6, 6..<12] {
            let logits = model.nextLogits(appending: Array(tokens[range]), to: state)
            let expected = all[(range.upperBound - 1) * 64..<range.upperBound * 64]
            for (left, right) in zip(logits, expected) { #expect(abs(left - right) < 1e-5) }
        }
        #expect(base.logits(Self.batch).values != all)
    }

    @Test(arguments: configurations())
    func `bfloat16 products have gradients near those of Float32`(
        configuration: READConfiguration
    ) throws {
        func gradients(_ options: ModelOptions) throws -> NamedTensors {
            let base = try Self.model(options)
            let adapter = READFixture.adapter(configuration, base.configuration)
            _ = AdaptedModel(model: base, adapter: adapter)
                .accumulateGradients(Self.batch, normalizer: 11)
            return adapter.gradients
        }
        let exact = try gradients(.exact)
        let rounded = try gradients(ModelOptions(storage: .bfloat16, computeType: .bfloat16))
        #expect(exact != rounded)
        for (left, right) in zip(exact.elements, rounded.elements) {
            let difference = zip(left.tensor.values, right.tensor.values)
                .reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }.squareRoot()
            #expect(difference < 0.1 * LoRATests.norm(left.tensor), "\(left.name)")
        }
    }

    @Test func `several threads add up the same gradients`() throws {
        let base = try Self.model()
        let configuration = READConfiguration(stateSize: 48)
        var results: [NamedTensors] = []
        for threadCount in [1, 3, 1, 3] {
            let adapter = READFixture.adapter(configuration, base.configuration)
            ComputeThreads.with(count: threadCount) {
                _ = AdaptedModel(model: base, adapter: adapter)
                    .accumulateGradients(Self.batch, normalizer: 11)
            }
            results.append(adapter.gradients)
        }
        #expect(results[0] == results[2] && results[1] == results[3])
        for (left, right) in zip(results[0].elements, results[1].elements) {
            for (one, other) in zip(left.tensor.values, right.tensor.values) {
                #expect(abs(one - other) < 1e-5)
            }
        }
    }
}
