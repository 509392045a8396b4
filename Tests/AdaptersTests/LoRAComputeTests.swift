import Adapters
import Checkpoints
import Kernels
import Models
import Tensors
import Testing

/// A site of an adapter on its own, against plain loops on what products read.
@Suite struct LoRAComputeTests {
    private static let scale = 6.0 / 3

    private let adapter: LoRAAdapter

    init() {
        adapter = LoRAAdapter(
            configuration: LoRAConfiguration(rank: 3, alpha: 6, targets: [.query, .value]),
            model: MemoryTensorSource.smallConfiguration(),
            seed: 9
        )
        adapter.parameters = LoRATests.closedForm(adapter.parameters)
    }

    private func operand(_ values: ReferenceMatrix, _ type: ComputeType) -> Operand {
        let wide = FloatBuffer(count: values.values.count)
            .take(rows: values.rowCount, columns: values.columnCount)
        wide.copy(from: values.values.map { Float($0) })
        let room = FloatBuffer.room(
            rows: values.rowCount, columns: values.columnCount, type: type)
        let operand = FloatBuffer(count: room)
            .take(rows: values.rowCount, columns: values.columnCount, type: type)
        operand.store(wide)
        return operand
    }

    private func reference(_ operand: Operand) -> ReferenceMatrix {
        ReferenceMatrix(
            operand.rowCount, operand.columnCount, values: operand.values.map { Double($0) })
    }

    private func parameter(_ projection: Projection, _ half: String, _ type: ComputeType) throws
        -> ReferenceMatrix
    {
        let name =
            "base_model.model.\(projection.modulePath(layer: 1)).lora_\(half).weight"
        return try tensor(adapter.parameters, name, type)
    }

    private func gradient(_ projection: Projection, _ half: String) throws -> ReferenceMatrix {
        let name =
            "base_model.model.\(projection.modulePath(layer: 1)).lora_\(half).weight"
        return try tensor(adapter.gradients, name, .float32)
    }

    private func tensor(
        _ tensors: NamedTensors,
        _ name: String,
        _ type: ComputeType
    ) throws -> ReferenceMatrix {
        let tensor = try #require(tensors[name])
        let extents = tensor.shape.extents
        return reference(
            operand(
                ReferenceMatrix(
                    extents[0], extents[1], values: tensor.values.map { Double($0) }), type))
    }

    private func samples(_ rows: Int, _ columns: Int, _ phase: Double) -> ReferenceMatrix {
        ReferenceMatrix(
            rows, columns,
            values: (0..<rows * columns).map { index in
                let turn = 0.61803398875 * Double(index) + phase
                return 2 * (turn - turn.rounded(.down)) - 1
            })
    }

    /// What terms add to a result of zeros.
    private func applied(
        _ terms: [LowRankTerm],
        rows: Int,
        columns: Int,
        type: ComputeType
    ) -> ReferenceMatrix {
        let zeros = FrozenWeight(operand(ReferenceMatrix(columns, 1), type))
        let result = FloatBuffer(count: rows * columns).take(rows: rows, columns: columns)
        zeros.multiplyTransposed(
            operand(ReferenceMatrix(rows, 1), type), into: result, terms: terms)
        return reference(.float32(result))
    }

    private func distance(_ left: ReferenceMatrix, _ right: ReferenceMatrix) -> Double {
        guard left.values.count == right.values.count else { return .infinity }
        let size = right.values.map(abs).max() ?? 0
        return zip(left.values, right.values).reduce(0) { max($0, abs($1.0 - $1.1)) } / size
    }

    private func scaled(_ matrix: ReferenceMatrix) -> ReferenceMatrix {
        ReferenceMatrix(
            matrix.rowCount, matrix.columnCount, values: matrix.values.map { Self.scale * $0 })
    }

    /// Queries have columns 0..<16 of 32, values the last 8; states lie side by side.
    @Test(arguments: ComputeType.allCases, [1, 2, 3])
    func `states, terms and gradients are those of their formulas`(
        type: ComputeType,
        threadCount: Int
    ) throws {
        let rows = 21
        let x = operand(samples(rows, 16, 0.1), type)
        let gy = operand(samples(rows, 32, 0.7), type)
        let state = operand(ReferenceMatrix(rows, 6), type)
        let tolerance = type == .float32 ? 1e-5 : 1.0 / 128
        try ComputeThreads.with(count: threadCount) {
            adapter.begin(type, trains: true)
            #expect(adapter.adapts(layer: 1, site: .attentionInput))
            #expect(!adapter.adapts(layer: 1, site: .mlpInput))
            #expect(adapter.stateWidth(layer: 1, site: .attentionInput) == 6)
            let terms = adapter.forward(
                layer: 1, site: .attentionInput, input: x, state: state)
            #expect(terms.count == 2)
            let added = applied(terms, rows: rows, columns: 32, type: type)
            let kept = reference(state)
            let returned = adapter.backward(
                layer: 1, site: .attentionInput, input: x, outputGradient: gy, state: state)
            #expect(returned.count == 1)
            let inputGradient = applied(returned, rows: rows, columns: 16, type: type)

            var expected = ReferenceMatrix(rows, 32)
            var expectedInput = ReferenceMatrix(rows, 16)
            let places: [(Projection, Range<Int>)] = [(.query, 0..<16), (.value, 24..<32)]
            for (index, (projection, columns)) in places.enumerated() {
                let a = try parameter(projection, "A", type)
                let b = try parameter(projection, "B", type)
                let own = scaled(reference(x) * a.transposed)
                let part = self.columns(kept, 3 * index..<3 * index + 3)
                #expect(distance(part, own) < tolerance)
                let output = part * b.transposed
                for row in 0..<rows {
                    for column in columns {
                        expected[row, column] = output[row, column - columns.lowerBound]
                    }
                }
                let outputGradient = self.columns(reference(gy), columns)
                let stateGradient = scaled(outputGradient * b)
                let input = stateGradient * a
                for place in input.values.indices {
                    expectedInput.values[place] += input.values[place]
                }
                let gradientB = outputGradient.transposed * part
                #expect(distance(try gradient(projection, "B"), gradientB) < 1e-5)
                let gradientA = stateGradient.transposed * reference(x)
                #expect(distance(try gradient(projection, "A"), gradientA) < tolerance)
            }
            #expect(distance(added, expected) < 1e-5)
            #expect(distance(inputGradient, expectedInput) < tolerance)
        }
    }

    private func columns(_ matrix: ReferenceMatrix, _ range: Range<Int>) -> ReferenceMatrix {
        ReferenceMatrix(
            matrix.rowCount, range.count,
            values: (0..<matrix.rowCount).flatMap { row in range.map { matrix[row, $0] } })
    }

    @Test func `a pass reads the parameters as they are, in its own type`() throws {
        let x = operand(samples(4, 16, 0.3), .bfloat16)
        let state = operand(ReferenceMatrix(4, 6), .bfloat16)
        func terms() -> ReferenceMatrix {
            applied(
                adapter.forward(layer: 1, site: .attentionInput, input: x, state: state),
                rows: 4, columns: 32, type: .bfloat16)
        }
        adapter.begin(.bfloat16, trains: true)
        let before = terms()
        unsafe adapter.withParameters { parameters in
            for index in parameters.indices { unsafe parameters[index] *= 2 }
        }
        adapter.begin(.bfloat16, trains: true)
        // Both factors doubled, which no rounding touches.
        let after = terms()
        #expect(after.values == before.values.map { 4 * $0 })
        // Float32 reads the parameters themselves.
        adapter.begin(.float32, trains: false)
        let wide = operand(reference(x), .float32)
        let wideState = operand(ReferenceMatrix(4, 6), .float32)
        let exact = applied(
            adapter.forward(layer: 1, site: .attentionInput, input: wide, state: wideState),
            rows: 4, columns: 32, type: .float32)
        #expect(exact != after && distance(exact, after) < 0.02)
    }
}
