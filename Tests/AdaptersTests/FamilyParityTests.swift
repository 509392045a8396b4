import Adapters
import Checkpoints
import Foundation
import Kernels
import Models
import Tensors
import Testing

/// Every member of the Llama family against transformers and PEFT.
@Suite struct FamilyParityTests {
    /// The largest difference between listed logits and those of the rows.
    private func difference(
        _ logits: FloatTensor,
        _ expected: [Float],
        rows: [Int]
    ) throws -> Float {
        let width = try #require(logits.shape.extents.last)
        let actual = rows.flatMap { logits.values[$0 * width..<($0 + 1) * width] }
        try #require(actual.count == expected.count)
        return zip(actual, expected).reduce(0) { most, pair in
            let difference = abs(pair.0 - pair.1)
            return difference.isNaN ? .infinity : max(most, difference)
        }
    }

    private func check(_ name: String, _ batchName: String) throws {
        let fixture = try FamilyFixture(name)
        let batch = try fixture.batch(batchName)
        let (tokens, count) = (batch.tokens, Double(batch.targetCount))
        let base = fixture.model.model
        #expect(abs(base.loss(tokens).nats - batch.baseNats) < 1e-4 * count)
        #expect(try difference(base.logits(tokens), batch.baseLogits, rows: batch.rows) < 2e-4)
        let logits = base.logits(tokens, tap: fixture.adapter)
        #expect(try difference(logits, batch.logits, rows: batch.rows) < 2e-4)
        #expect(abs(fixture.model.loss(tokens).nats - batch.nats) < 1e-4 * count)

        let sum = fixture.model.accumulateGradients(tokens, normalizer: count)
        #expect(abs(sum.nats - batch.nats) < 1e-4 * count)
        #expect(sum.tokenCount == batch.targetCount)
        let gradients = fixture.adapter.gradients
        #expect(Set(gradients.names) == Set(batch.gradients.keys))
        var worst = (error: 0.0, name: "")
        for (tensorName, expected) in batch.gradients {
            let values = try #require(gradients[tensorName]).values.map { Double($0) }
            let error = try distance(values, expected)
            if !(error <= worst.error) { worst = (error, tensorName) }
        }
        #expect(worst.error < 1e-3, "\(worst.name)")
    }

    /// The difference of the norms or that of the listed values, whichever is greater, in units of
    /// the norm.
    private func distance(
        _ values: [Double],
        _ expected: FamilyFixture.Gradient
    ) throws -> Double {
        let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let listed = stride(from: 0, to: values.count, by: 3).map { values[$0] }
        try #require(listed.count == expected.values.count)
        let square = zip(listed, expected.values).reduce(0) { sum, pair in
            sum + (pair.0 - pair.1) * (pair.0 - pair.1)
        }
        let error = max(abs(norm - expected.norm), square.squareRoot()) / expected.norm
        return error.isNaN ? .infinity : error
    }

    @Test(arguments: FamilyFixture.names)
    func `losses, logits and all gradients are those of transformers and PEFT`(
        name: String
    ) throws {
        try check(name, "plain")
    }

    @Test(arguments: ["llama3-scaled", "qwen2-untied", "qwen3"])
    func `a model's GGUF file has the logits of transformers, too`(name: String) throws {
        let batch = try FamilyFixture(name).batch("plain")
        let path = FamilyFixture.folder.appending(path: "gguf/\(name).gguf").path
        let model = try CausalLanguageModel(source: ModelFiles.open(path: path), options: .exact)
        let logits = model.logits(batch.tokens)
        #expect(try difference(logits, batch.baseLogits, rows: batch.rows) < 2e-4)
    }

    @Test(arguments: FamilyFixture.names)
    func `two texts in one sequence are as if each were alone`(name: String) throws {
        try check(name, "packed")
    }

    @Test(arguments: FamilyFixture.names)
    func `a text's prefix sees all of itself`(name: String) throws {
        try check(name, "prefix")
    }

    @Test(arguments: FamilyFixture.names, ComputeType.allCases)
    func `20 steps have the losses of transformers, PEFT and AdamW`(
        name: String,
        type: ComputeType
    ) throws {
        let fixture = try FamilyFixture(name, options: ModelOptions(computeType: type))
        let batch = try fixture.batch("plain")
        let (tokens, count) = (batch.tokens, Double(batch.targetCount))
        var optimizer = PlainAdamW(count: fixture.adapter.parameterCount)
        var losses: [Double] = []
        for _ in fixture.expected.losses {
            fixture.adapter.zeroGradients()
            losses.append(fixture.model.accumulateGradients(tokens, normalizer: count).mean)
            optimizer.step(fixture.adapter)
        }
        let differences = zip(losses, fixture.expected.losses).map { abs($0 - $1) }
        // The fixtures are Float32 throughout; products of bfloat16 round their inputs to 8 bits.
        let tolerance = type == .float32 ? 1e-3 : 0.02
        #expect(differences.count == 20 && differences.allSatisfy { $0 < tolerance })
        #expect(zip(losses, losses.dropFirst()).allSatisfy { $0 > $1 })
    }

    @Test(arguments: FamilyFixture.names)
    func `tokens one by one have the logits of the whole text`(name: String) throws {
        let fixture = try FamilyFixture(name)
        let batch = try fixture.batch("plain")
        let text = Array(batch.inputs.prefix(batch.length))
        let whole = fixture.model.model.logits(
            TokenBatch(
                sequenceCount: 1, length: text.count, inputs: text,
                targets: [Int32](repeating: -1, count: text.count)),
            tap: fixture.adapter)
        let state = fixture.model.makeGenerationState(capacity: text.count)
        for (position, token) in text.enumerated() {
            let logits = fixture.model.nextLogits(appending: [Int(token)], to: state)
            let shape = Shape([1, logits.count])
            let row = Array(
                whole.values[position * logits.count..<(position + 1) * logits.count])
            let distance = try difference(
                FloatTensor(shape: shape, values: logits), row, rows: [0])
            #expect(distance < 1e-4, "position \(position)")
        }
    }
}

/// AdamW with the settings of the fixtures, as its paper has it, in plain loops.
private struct PlainAdamW {
    private let rate = 5e-3
    private let decay = 0.01
    private let epsilon = 1e-8
    private let firstShare = 0.9
    private let secondShare = 0.999
    private var first, second: [Double]
    private var stepCount = 0.0

    init(count: Int) {
        first = [Double](repeating: 0, count: count)
        second = first
    }

    mutating func step(_ adapter: LoRAAdapter) {
        stepCount += 1
        let gradients = unsafe adapter.withGradients { unsafe Array($0) }
        unsafe adapter.withParameters { parameters in
            for (index, value) in gradients.enumerated() {
                let gradient = Double(value)
                first[index] = firstShare * first[index] + (1 - firstShare) * gradient
                second[index] =
                    secondShare * second[index] + (1 - secondShare) * gradient * gradient
                let mean = first[index] / (1 - pow(firstShare, stepCount))
                let square = second[index] / (1 - pow(secondShare, stepCount))
                let old = unsafe Double(parameters[index])
                let new = old * (1 - rate * decay) - rate * mean / (square.squareRoot() + epsilon)
                unsafe parameters[index] = Float(new)
            }
        }
    }
}
