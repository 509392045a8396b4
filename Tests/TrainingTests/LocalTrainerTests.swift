import Adapters
import Foundation
import JSONDocuments
import Kernels
import Models
import Tensors
import Testing

@testable import Training

@Suite struct LocalTrainerTests {
    private func settings(steps: Int = 12) -> TrainingSettings {
        TrainingSettings(
            batchSize: 4,
            sequenceLength: 12,
            learningRate: 2e-2,
            warmupStepCount: 3,
            totalStepCount: steps,
            weightDecay: 0.01,
            seed: 5
        )
    }

    private func trainer(
        rowCount: Int = 4,
        heldOut: Int = 0,
        _ change: (inout TrainingSettings) -> Void = { _ in }
    ) throws -> LocalTrainer {
        var settings = settings()
        change(&settings)
        let rows = ClosedFormRun.rows(count: rowCount + heldOut)
        return try LocalTrainer(
            model: try ClosedFormRun.model(),
            data: TrainingData(
                training: Array(rows[..<rowCount]),
                heldOut: Array(rows[rowCount...])
            ),
            settings: settings
        )
    }

    @Test func `twelve steps have the losses of PyTorch and PEFT`() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/loss_curve.json")
        let fixture = try JSONValue(parsing: Array(Data(contentsOf: file)))
        let expected = try #require(fixture.object?["losses"]?.array).compactMap(\.number)
        #expect(expected.count == 12)
        let trainer = try trainer()
        for (step, expected) in expected.enumerated() {
            let report = try trainer.step()
            #expect(report.step == step + 1)
            #expect(abs(report.loss - expected) < 1e-4)
        }
        #expect(trainer.isFinished)
    }

    @Test func `a step reports what it saw`() throws {
        let report = try trainer().step()
        #expect(report.exampleCount == 4)
        #expect(report.tokenCount == 48)
        #expect(report.targetCount == 12 + 10 + 8 + 6)
        #expect(abs(report.learningRate - 2e-2 / 3) < 1e-15)
        #expect(report.gradientNorm > 0)
    }

    @Test func `a restored trainer goes on with the same bits`() throws {
        let first = try trainer(rowCount: 7)
        for _ in 0..<5 { _ = try first.step() }
        let snapshot = first.snapshot()
        let rest = try (0..<5).map { _ in try first.step() }
        let second = try trainer(rowCount: 7)
        try second.restore(snapshot)
        #expect(second.completedStepCount == 5)
        #expect(second.snapshot() == snapshot)
        #expect(try (0..<5).map { _ in try second.step() } == rest)
        #expect(second.snapshot() == first.snapshot())
    }

    @Test func `a round starts from given parameters at a given step`() throws {
        let first = try trainer(rowCount: 7)
        for _ in 0..<4 { _ = try first.step() }
        let consensus = first.parameters
        try first.begin(at: 4, parameters: consensus)
        let expected = try (0..<3).map { _ in try first.step() }
        // A node that starts anew needs nothing but the consensus and the step.
        let second = try trainer(rowCount: 7)
        try second.begin(at: 4, parameters: consensus)
        #expect(try (0..<3).map { _ in try second.step() } == expected)
        #expect(second.parameters == first.parameters)
    }

    @Test func `moments may be kept over a round`() throws {
        let kept = try trainer()
        let reset = try trainer()
        for trainer in [kept, reset] {
            for _ in 0..<4 { _ = try trainer.step() }
        }
        try kept.begin(at: 4, parameters: kept.parameters, keepsMoments: true)
        try reset.begin(at: 4, parameters: reset.parameters)
        _ = try kept.step()
        _ = try reset.step()
        #expect(kept.parameters != reset.parameters)
    }

    @Test func `parameters of another adapter and bad numbers change nothing`() throws {
        let trainer = try trainer()
        let before = trainer.snapshot()
        #expect(
            throws: TrainingError.parametersMismatch(expectedTensorCount: 8, actualTensorCount: 0)
        ) {
            try trainer.begin(at: 1, parameters: NamedTensors())
        }
        var parameters = trainer.parameters
        let name = try #require(parameters.names.first)
        var tensor = try #require(parameters[name])
        tensor.values[0] = .infinity
        parameters.replace(name, with: tensor)
        #expect(throws: TrainingError.parameterNotFinite(name: name)) {
            try trainer.begin(at: 1, parameters: parameters)
        }
        #expect(throws: TrainingError.self) {
            try trainer.begin(at: -1, parameters: trainer.parameters)
        }
        #expect(trainer.snapshot() == before)
    }

    @Test(arguments: [1, 2, 3])
    func `a step in parts has the gradient of the whole batch`(rowsPerPass: Int) throws {
        func gradients(_ rowsPerPass: Int?) throws -> (NamedTensors, StepReport) {
            let model = try ClosedFormRun.model()
            var settings = settings()
            settings.rowsPerPass = rowsPerPass
            let trainer = try LocalTrainer(
                model: model,
                data: TrainingData(training: ClosedFormRun.rows()),
                settings: settings
            )
            let report = try trainer.step()
            return (try #require(model.adapter?.gradients), report)
        }
        // Rows predict 12, 10, 8 and 6 tokens, so a mean of the parts' means would be another.
        let (whole, report) = try gradients(nil)
        let (parts, partsReport) = try gradients(rowsPerPass)
        #expect(RowPackingTests.distance(parts, whole) < 1e-5)
        #expect(abs(report.loss - partsReport.loss) < 1e-6)
        #expect(abs(report.gradientNorm - partsReport.gradientNorm) < 1e-5)
        #expect(report.targetCount == partsReport.targetCount)
    }

    @Test func `dropout changes training, not evaluation, and is the same however a step is cut`()
        throws
    {
        let plain = try trainer(heldOut: 2)
        let dropping = try trainer(heldOut: 2) { $0.dropout = 0.5 }
        let again = try trainer(heldOut: 2) { $0.dropout = 0.5 }
        let parts = try trainer(heldOut: 2) {
            $0.dropout = 0.5
            $0.rowsPerPass = 1
        }
        #expect(plain.evaluateHeldOut() == dropping.evaluateHeldOut())
        for _ in 0..<4 {
            let report = try dropping.step()
            #expect(try again.step() == report)
            #expect(try abs(parts.step().loss - report.loss) < 1e-5)
            #expect(try abs(plain.step().loss - report.loss) > 1e-5)
        }
    }

    @Test func `the gradient with dropout is the slope of the loss with the same mask`() throws {
        let model = try ClosedFormRun.model()
        let adapter = try #require(model.adapter)
        let batch = TokenBatch(rows: ClosedFormRun.rows())
        let plan = DropoutPlan(probability: 0.3, seed: 3, step: 7)
        func nats(moving index: Int, by step: Float) -> Double {
            unsafe adapter.withParameters { unsafe $0[index] += step }
            defer { unsafe adapter.withParameters { unsafe $0[index] -= step } }
            return model.accumulateGradients(batch, normalizer: 1, dropout: plan).nats
        }
        adapter.zeroGradients()
        _ = model.accumulateGradients(batch, normalizer: 1, dropout: plan)
        let gradients = unsafe adapter.withGradients { unsafe Array($0) }
        let largest = gradients.indices.sorted { abs(gradients[$0]) > abs(gradients[$1]) }
        for index in largest.prefix(12) {
            let slope = (nats(moving: index, by: 4e-3) - nats(moving: index, by: -4e-3)) / 8e-3
            #expect(abs(slope - Double(gradients[index])) < 0.01 * abs(slope))
        }
    }

    @Test func `a run lowers the loss and leaves held-out rows alone`() throws {
        let trainer = try trainer(rowCount: 4, heldOut: 2) { $0.totalStepCount = 60 }
        let before = try #require(trainer.evaluateHeldOut())
        let first = try trainer.step().loss
        var last = first
        while !trainer.isFinished {
            #expect(trainer.nextRows().allSatisfy { !trainer.data.heldOut.contains($0) })
            last = try trainer.step().loss
        }
        #expect(last < first - 1)
        let after = try #require(trainer.evaluateHeldOut())
        #expect(after.tokenCount == before.tokenCount && after.byteCount == 24)
        #expect(after.loss != before.loss)
        #expect(try self.trainer().evaluateHeldOut() == nil)
    }

    @Test func `a trainer without adapter or data is refused`() throws {
        let model = try ClosedFormRun.model()
        let bare = AdaptedModel(model: model.model, adapter: nil)
        let data = TrainingData(training: ClosedFormRun.rows())
        #expect(throws: TrainingError.adapterMissing) {
            try LocalTrainer(model: bare, data: data, settings: settings())
        }
        #expect(throws: TrainingError.dataEmpty) {
            try LocalTrainer(model: model, data: TrainingData(training: []), settings: settings())
        }
    }

    @Test func `the closed-form model has its published loss`() throws {
        let model = try ClosedFormRun.model()
        let row = TokenRow(text: (0..<12).map { Int32((7 * $0 + 3) % 64) }, byteCount: 12)
        let bare = AdaptedModel(model: model.model, adapter: nil)
        #expect(abs(Evaluator.evaluate(bare, on: [row]).loss - 5.696916) < 1e-4)
        #expect(abs(Evaluator.evaluate(model, on: [row]).loss - 5.684797) < 1e-4)
    }
}
