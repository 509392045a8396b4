import Adapters
import Models
import Tensors
import Testing

@testable import Training

@Suite struct MeZOTests {
    private func trainer(
        steps: Int = 200,
        firstTrainedLayer: Int = 0,
        _ change: (inout TrainingSettings) -> Void = { _ in }
    ) throws -> LocalTrainer {
        var settings = TrainingSettings(
            batchSize: 4, sequenceLength: 12, learningRate: 2e-3, decay: .constant,
            totalStepCount: steps, seed: 5, optimizer: .mezo)
        change(&settings)
        let source = ClosedFormSource()
        let adapter = LoRAAdapter(
            configuration: LoRAConfiguration(rank: 2, alpha: 4), model: source.configuration,
            seed: 3, firstTrainedLayer: firstTrainedLayer)
        return try LocalTrainer(
            model: AdaptedModel(
                model: try CausalLanguageModel(source: source, options: .exact),
                adapter: adapter),
            data: TrainingData(training: ClosedFormRun.rows(count: 4)),
            settings: settings
        )
    }

    /// B is 0 at first, and with it the gradient of A.
    private func moved(_ trainer: LocalTrainer) throws -> NamedTensors {
        var start = trainer.parameters
        for element in start.elements {
            var tensor = element.tensor
            for index in tensor.values.indices {
                tensor.values[index] += 0.05 * Float((7 * index) % 11 - 5) / 5
            }
            start.replace(element.name, with: tensor)
        }
        try trainer.begin(at: 0, parameters: start)
        return start
    }

    @Test func `the projected gradient is the slope along the step's direction`() throws {
        let trainer = try trainer { $0.perturbation = 1e-3 }
        _ = try moved(trainer)
        let sequences = trainer.sequences
        let targetCount = sequences.reduce(0) { $0 + $1.targetCount }
        _ = trainer.model.accumulateGradients(
            TokenBatch(sequences: sequences), normalizer: Double(targetCount))
        var direction = GaussianSequence(seed: 5, step: 0)
        let slope = unsafe trainer.adapter.withGradients { gradients in
            var sum = 0.0
            for index in gradients.indices {
                sum += unsafe Double(gradients[index]) * Double(direction.next())
            }
            return sum
        }
        let report = try trainer.step()
        #expect(abs(slope) > 1e-2)
        #expect(abs(report.gradientNorm - slope) < 2e-2 * abs(slope))
    }

    @Test func `a step goes against the slope, along the direction and nowhere else`() throws {
        let trainer = try trainer()
        _ = try moved(trainer)
        let before = unsafe trainer.adapter.withParameters { unsafe Array($0) }
        let report = try trainer.step()
        let after = unsafe trainer.adapter.withParameters { unsafe Array($0) }
        var direction = GaussianSequence(seed: 5, step: 0)
        for (old, new) in zip(before, after) {
            let expected = -2e-3 * report.gradientNorm * Double(direction.next())
            // Going to both sides and back rounds three times.
            #expect(abs(Double(new - old) - expected) < 1e-7)
        }
    }

    @Test func `directions are normal, and others in every step and run`() {
        for (seed, step) in [(5, 0), (5, 1), (6, 0)] as [(UInt64, Int)] {
            var sequence = GaussianSequence(seed: seed, step: step)
            let values = (0..<20_000).map { _ in Double(sequence.next()) }
            let count = Double(values.count)
            let mean = values.reduce(0, +) / count
            let variance = values.reduce(0) { $0 + $1 * $1 } / count
            let fourth = values.reduce(0) { $0 + $1 * $1 * $1 * $1 } / count
            #expect(abs(mean) < 0.03 && abs(variance - 1) < 0.05 && abs(fourth - 3) < 0.3)
            let within = Double(values.count { abs($0) < 1 }) / count
            #expect(abs(within - 0.6827) < 0.015)
        }
        var first = GaussianSequence(seed: 5, step: 0)
        var second = GaussianSequence(seed: 5, step: 1)
        var third = GaussianSequence(seed: 6, step: 0)
        let (a, b, c) = (first.next(), second.next(), third.next())
        #expect(a != b && b != c && a != c)
    }

    @Test func `two hundred steps bring the loss down`() throws {
        let trainer = try trainer()
        _ = try moved(trainer)
        var losses: [Double] = []
        while !trainer.isFinished { losses.append(try trainer.step().loss) }
        let first = losses.prefix(10).reduce(0, +) / 10
        let last = losses.suffix(10).reduce(0, +) / 10
        #expect(last < first - 0.05, "\(first) to \(last)")
    }

    @Test func `a restored trainer goes on with the same bits`() throws {
        let trainer = try trainer()
        for _ in 0..<4 { _ = try trainer.step() }
        let snapshot = trainer.snapshot()
        #expect(snapshot.count == 72 + 4 * trainer.adapter.parameterCount)
        let other = try self.trainer()
        try other.restore(snapshot)
        for _ in 0..<3 { #expect(try trainer.step() == other.step()) }
        #expect(trainer.parameters == other.parameters)
    }

    @Test func `rows that pass one by one give the same step`() throws {
        let (whole, parts) = (try trainer(), try trainer { $0.rowsPerPass = 1 })
        let (left, right) = (try whole.step(), try parts.step())
        #expect(abs(left.loss - right.loss) < 1e-5)
    }

    @Test func `layers below the first trained one stay as they are`() throws {
        let trainer = try trainer(firstTrainedLayer: 1)
        let before = trainer.parameters
        _ = try trainer.step()
        for element in trainer.parameters.elements {
            let isTrained = element.name.contains(".layers.1.")
            #expect((before[element.name] == element.tensor) != isTrained, "\(element.name)")
        }
    }

    @Test func `dropout is refused, for both sides must see the same`() throws {
        #expect(
            throws: TrainingError.settingOutOfRange(
                name: "dropout", value: "0.1", allowed: "0.0...0.0")
        ) { try trainer { $0.dropout = 0.1 } }
    }
}
