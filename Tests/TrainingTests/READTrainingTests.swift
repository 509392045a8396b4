import Adapters
import Models
import Testing

@testable import Training

@Suite struct READTrainingTests {
    private func trainer(
        steps: Int = 30,
        _ change: (inout TrainingSettings) -> Void = { _ in }
    ) throws -> LocalTrainer {
        var settings = TrainingSettings(
            batchSize: 4, sequenceLength: 12, learningRate: 3e-2, totalStepCount: steps, seed: 5)
        change(&settings)
        let source = ClosedFormSource()
        let adapter = READAdapter(
            configuration: READConfiguration(stateSize: 16), model: source.configuration, seed: 3)
        let model = try CausalLanguageModel(source: source, options: .exact)
        return try LocalTrainer(
            model: AdaptedModel(model: model, adapter: adapter),
            data: TrainingData(training: ClosedFormRun.rows(count: 4)),
            settings: settings
        )
    }

    @Test func `sixty steps bring the loss down`() throws {
        let trainer = try trainer(steps: 60)
        var losses: [Double] = []
        while !trainer.isFinished { losses.append(try trainer.step().loss) }
        let first = try #require(losses.first)
        let last = try #require(losses.last)
        #expect(last < 0.8 * first, "\(first) to \(last)")
    }

    @Test func `rows that pass one by one give the same gradient`() throws {
        let (whole, parts) = (try trainer(), try trainer { $0.rowsPerPass = 1 })
        for _ in 0..<3 {
            let (left, right) = (try whole.step(), try parts.step())
            #expect(abs(left.loss - right.loss) < 1e-5)
            #expect(abs(left.gradientNorm - right.gradientNorm) < 1e-4 * left.gradientNorm)
        }
    }

    @Test func `a restored trainer goes on with the same bits`() throws {
        let trainer = try trainer()
        for _ in 0..<4 { _ = try trainer.step() }
        let snapshot = trainer.snapshot()
        let other = try self.trainer()
        try other.restore(snapshot)
        for _ in 0..<3 { #expect(try trainer.step() == other.step()) }
        #expect(trainer.parameters == other.parameters)
    }

    @Test func `dropout is refused, for the method has none`() {
        #expect(
            throws: TrainingError.settingOutOfRange(
                name: "dropout", value: "0.1", allowed: "0 with this adapter")
        ) { try trainer { $0.dropout = 0.1 } }
    }

    @Test func `a run's identity tells adapters apart`() throws {
        func identity(_ configuration: READConfiguration) throws -> RunIdentity {
            let source = ClosedFormSource()
            let adapter = READAdapter(
                configuration: configuration, model: source.configuration, seed: 3)
            return try RunIdentity(
                model: source,
                data: TrainingData(training: ClosedFormRun.rows()),
                adapter: adapter,
                settings: TrainingSettings(totalStepCount: 1),
                evaluation: []
            )
        }
        let first = try identity(READConfiguration(stateSize: 8))
        let second = try identity(READConfiguration(stateSize: 8, aggregation: .mean))
        #expect(first == (try identity(READConfiguration(stateSize: 8))))
        #expect(first.differences(from: second).map(\.name) == ["aggregation"])
    }
}
