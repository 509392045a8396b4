import Adapters
import Models
import Tensors
import Testing

@testable import Training

/// FedProx's pull and SCAFFOLD's control variate in training.
@Suite struct LocalCorrectionTests {
    private func trainer(
        _ correction: LocalCorrection?, clip: Double? = nil, model: AdaptedModel? = nil
    ) throws -> LocalTrainer {
        let model = try model ?? ClosedFormRun.model()
        let trainer = try LocalTrainer(
            model: model,
            data: TrainingData(training: ClosedFormRun.rows(count: 4), heldOut: []),
            settings: TrainingSettings(
                batchSize: 4, sequenceLength: 12, learningRate: 1e-2, decay: .constant,
                totalStepCount: 12, gradientClip: clip, seed: 5))
        trainer.correction = correction
        return trainer
    }

    private func flat(_ tensors: NamedTensors) -> [Float] {
        tensors.elements.flatMap(\.tensor.values)
    }

    private func ownOrder(_ model: AdaptedModel) throws -> [Float] {
        let adapter = try #require(model.adapter)
        return unsafe adapter.withParameters { unsafe Array($0) }
    }

    @Test func `a correction of nothing changes no bit`() throws {
        let plain = try trainer(nil)
        let count = plain.parameters.elementCount
        let zero = try trainer(
            LocalCorrection(proximalStrength: 0, start: [], direction: []))
        let still = try trainer(
            LocalCorrection(
                proximalStrength: 0, start: [], direction: [Float](repeating: 0, count: count)))
        for _ in 0..<3 {
            let report = try plain.step()
            #expect(try zero.step() == report)
            #expect(try still.step() == report)
        }
        #expect(zero.parameters == plain.parameters)
        #expect(still.parameters == plain.parameters)
    }

    @Test func `the control variate moves every parameter by the rate times its value`() throws {
        let plain = try trainer(nil)
        let turned = try trainer(
            LocalCorrection(
                proximalStrength: 0, start: [],
                direction: [Float](repeating: 0.5, count: plain.parameters.elementCount)))
        let first = try plain.step()
        #expect(try turned.step().loss == first.loss)
        for (left, right) in zip(flat(turned.parameters), flat(plain.parameters)) {
            #expect(abs(left - (right - 0.005)) < 1e-6)
        }
    }

    @Test func `the pull is the distance from the start times its strength, before the clip`()
        throws
    {
        var spread: [Float] = [1, -1, 2]
        var gradients = spread.mutableSpan
        let correction = LocalCorrection(
            proximalStrength: 0.5, start: [2, 0, 1], direction: [])
        let at: [Float] = [4, -1, 1]
        correction.pull(&gradients, at: at.span)
        #expect(spread == [2, -1.5, 2])

        // A strong pull keeps the parameters near the start; without one they go further.
        let models = try [ClosedFormRun.model(), ClosedFormRun.model()]
        let start = try ownOrder(models[0])
        let trainers = try zip([0.0, 100], models).map { strength, model in
            try trainer(
                LocalCorrection(proximalStrength: strength, start: start, direction: []),
                model: model)
        }
        for _ in 0..<10 { for trainer in trainers { _ = try trainer.step() } }
        let distances = try models.map { model in
            zip(try ownOrder(model), start).reduce(0) {
                $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
            }.squareRoot()
        }
        #expect(distances[1] < 0.6 * distances[0])
        let clipped = try trainer(
            LocalCorrection(
                proximalStrength: 100, start: start.map { $0 + 1 }, direction: []), clip: 1)
        #expect(try clipped.step().gradientNorm > 50)
    }

    @Test func `where losses alone are measured the pull and the turn are plain steps`() throws {
        func trainer(_ correction: LocalCorrection?) throws -> (LocalTrainer, AdaptedModel) {
            let model = try ClosedFormRun.model()
            var settings = TrainingSettings(
                batchSize: 4, sequenceLength: 12, learningRate: 1e-2, decay: .constant,
                totalStepCount: 12, seed: 5)
            settings.optimizer = .mezo
            let trainer = try LocalTrainer(
                model: model,
                data: TrainingData(training: ClosedFormRun.rows(count: 4), heldOut: []),
                settings: settings)
            trainer.correction = correction
            return (trainer, model)
        }
        let (plain, model) = try trainer(nil)
        let start = try ownOrder(model).map { $0 - 1 }
        _ = try plain.step()
        let expected = zip(try ownOrder(model), start).map { $0 - 0.5 * ($0 - $1) - 0.01 }
        let (corrected, other) = try trainer(
            LocalCorrection(
                proximalStrength: 50, start: start,
                direction: [Float](repeating: 1, count: start.count)))
        _ = try corrected.step()
        for (left, right) in zip(try ownOrder(other), expected) {
            #expect(abs(left - right) < 1e-5)
        }
    }
}
