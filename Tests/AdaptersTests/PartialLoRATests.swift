import Adapters
import Checkpoints
import Kernels
import Models
import Tensors
import Testing

/// An adapter of which a part is trained, against the whole one.
@Suite struct PartialLoRATests {
    private static let configuration = LoRAConfiguration(
        rank: 4, alpha: 8, targets: [.query, .value, .down])

    private let model: CausalLanguageModel
    private let whole: LoRAAdapter

    init() throws {
        model = try LoRATests.model().1
        whole = LoRAAdapter(
            configuration: Self.configuration, model: model.configuration, seed: 1)
        whole.parameters = LoRATests.closedForm(whole.parameters)
    }

    private func partial(
        _ trained: [String: [Int]], type: ComputeType = .float32
    ) -> PartialLoRAAdapter {
        PartialLoRAAdapter(
            configuration: Self.configuration, model: model.configuration,
            whole: whole.parameters, trained: trained, computeType: type)
    }

    /// Other directions in every pair, the first layer left out.
    private func selection(halves: [String] = ["A", "B"], from layer: Int = 1) -> [String: [Int]] {
        var trained: [String: [Int]] = [:]
        let pairs = whole.parameters.names.filter { $0.contains("lora_A") }
        for (index, name) in pairs.enumerated() where name.contains("layers.\(layer).") {
            for half in halves {
                trained[name.replacing("lora_A", with: "lora_\(half)")] =
                    [[0, 2], [1], [1, 2, 3]][index % 3]
            }
        }
        return trained
    }

    /// Rows or columns of a matrix.
    private func part(_ tensor: FloatTensor, _ directions: [Int], isA: Bool) -> [Float] {
        let (rows, width) = (tensor.shape.extents[0], tensor.shape.extents[1])
        if isA { return directions.flatMap { tensor.values[$0 * width..<($0 + 1) * width] } }
        return (0..<rows).flatMap { row in directions.map { tensor.values[row * width + $0] } }
    }

    private func distance(_ left: [Float], _ right: [Float]) -> Float {
        guard left.count == right.count else { return .infinity }
        return zip(left, right).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    @Test func `whatever is trained, the forward pass is that of the whole adapter`() throws {
        let expected = model.logits(LoRATests.batch, tap: whole).values
        for trained in [
            [:], selection(), selection(halves: ["B"]), selection(halves: ["A"], from: 0),
            Dictionary(uniqueKeysWithValues: whole.parameters.names.map { ($0, [0, 1, 2, 3]) }),
        ] {
            let logits = model.logits(LoRATests.batch, tap: partial(trained)).values
            #expect(distance(logits, expected) < 1e-5)
        }
    }

    @Test(arguments: [["A", "B"], ["A"], ["B"]], [0, 1])
    func `the trained part has the gradients that it has in the whole adapter`(
        halves: [String], layer: Int
    ) throws {
        let trained = selection(halves: halves, from: layer)
        let adapter = partial(trained)
        #expect(adapter.firstTrainedLayer == layer)
        let loss = AdaptedModel(model: model, adapter: whole)
            .accumulateGradients(LoRATests.batch, normalizer: 11)
        let own = AdaptedModel(model: model, adapter: adapter)
            .accumulateGradients(LoRATests.batch, normalizer: 11)
        #expect(abs(own.mean - loss.mean) < 1e-6)
        #expect(Set(adapter.gradients.names) == Set(trained.keys))
        #expect(adapter.gradients.elementCount == adapter.parameterCount)
        for element in adapter.gradients.elements {
            let all = try #require(whole.gradients[element.name])
            let directions = try #require(trained[element.name])
            let expected = part(all, directions, isA: element.name.contains("lora_A"))
            #expect(expected.contains { abs($0) > 1e-4 })
            #expect(distance(element.tensor.values, expected) < 1e-6, "\(element.name)")
        }
        adapter.zeroGradients()
        #expect(adapter.gradients.elements.allSatisfy { $0.tensor.values.allSatisfy { $0 == 0 } })
    }

    @Test func `in bfloat16 loss and gradients are those of the whole adapter`() throws {
        let source = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
        let rounded = try CausalLanguageModel(
            source: source, options: ModelOptions(storage: .bfloat16, computeType: .bfloat16))
        let trained = selection()
        let adapter = partial(trained, type: .bfloat16)
        let loss = AdaptedModel(model: rounded, adapter: whole)
            .accumulateGradients(LoRATests.batch, normalizer: 11)
        let own = AdaptedModel(model: rounded, adapter: adapter)
            .accumulateGradients(LoRATests.batch, normalizer: 11)
        #expect(abs(own.mean - loss.mean) < 1e-2)
        for element in adapter.gradients.elements {
            let all = try #require(whole.gradients[element.name])
            let directions = try #require(trained[element.name])
            let expected = part(all, directions, isA: element.name.contains("lora_A"))
            let size = expected.map(abs).max() ?? 0
            #expect(distance(element.tensor.values, expected) < 0.05 * size, "\(element.name)")
        }
    }

    @Test func `what was trained goes back into its place and nothing else changes`() throws {
        let trained = selection()
        let adapter = partial(trained)
        let start = whole.parameters
        #expect(adapter.merged(into: start) == start)
        unsafe adapter.withParameters { values in
            for index in values.indices { unsafe values[index] += 1 }
        }
        let merged = adapter.merged(into: start)
        for element in merged.elements {
            let before = try #require(start[element.name]).values
            let isA = element.name.contains("lora_A")
            let width = element.tensor.shape.extents[1]
            for (index, value) in element.tensor.values.enumerated() {
                let direction = isA ? index / width : index % width
                let moved = trained[element.name]?.contains(direction) == true
                #expect(value == before[index] + (moved ? 1 : 0))
            }
        }
        // The order of `values` is that of the parameters.
        let flat = unsafe adapter.withParameters { unsafe Array($0) }
        #expect(adapter.values(of: merged) == flat)
        let parameters = adapter.parameters
        adapter.parameters = parameters
        #expect(unsafe adapter.withParameters { unsafe Array($0) } == flat)
    }

    @Test func `READ over a frozen adapter sees what that adapter changes`() throws {
        let configuration = READConfiguration(stateSize: 8)
        let read = READAdapter(
            configuration: configuration, model: model.configuration, seed: 3,
            outputStart: .uniform)
        let alone = model.logits(LoRATests.batch, through: read.tap)
        read.projections = partial([:])
        let over = model.logits(LoRATests.batch, through: read.tap)
        #expect(over != alone)
        // The same on a model that holds the adapter.
        let source = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
        let merged = try CausalLanguageModel(
            source: MergedTensorSource(base: source, adapter: whole), options: .exact)
        let second = READAdapter(
            configuration: configuration, model: model.configuration, seed: 3,
            outputStart: .uniform)
        #expect(
            distance(over.values, merged.logits(LoRATests.batch, through: second.tap).values)
                < 2e-5)
        for (adapter, model) in [(read, model), (second, merged)] {
            _ = AdaptedModel(model: model, adapter: adapter)
                .accumulateGradients(LoRATests.batch, normalizer: 11)
        }
        for (left, right) in zip(read.gradients.elements, second.gradients.elements) {
            #expect(distance(left.tensor.values, right.tensor.values) < 1e-5, "\(left.name)")
        }
        // A text that grows token by token comes to the same.
        let tokens = (0..<12).map { (7 * $0 + 3) % 64 }
        let next = AdaptedModel(model: model, adapter: read).nextLogits(tokens: tokens)
        #expect(distance(next, Array(over.values.suffix(64))) < 2e-5)
    }

    @Test func `shapes are those of the adapters that they stand for`() {
        let shapes = AdapterShapes.lora(Self.configuration, model: model.configuration)
        #expect(
            shapes
                == Dictionary(
                    uniqueKeysWithValues: whole.parameters.elements.map {
                        ($0.name, $0.tensor.shape)
                    }))
        let last = AdapterShapes.lora(
            Self.configuration, model: model.configuration, layers: 1..<2)
        #expect(last.count == shapes.count / 2 && last.keys.allSatisfy { $0.contains(".1.") })
        let read = READConfiguration(stateSize: 8, cell: .lstm, startsFromEmbedding: true)
        let adapter = READAdapter(configuration: read, model: model.configuration, seed: 1)
        #expect(
            AdapterShapes.read(read, model: model.configuration)
                == Dictionary(
                    uniqueKeysWithValues: adapter.parameters.elements.map {
                        ($0.name, $0.tensor.shape)
                    }))
    }
}
