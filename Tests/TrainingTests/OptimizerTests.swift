import FoundationEssentials
import JSONDocuments
import Testing

@testable import Training

/// What PyTorch computed; see Fixtures/make_optimizer.py.
private struct OptimizerFixture {
    let root: JSONObject

    init() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/optimizer.json")
        root = try #require(JSONValue(parsing: Array(Data(contentsOf: file))).object)
    }

    func cases(_ key: String) throws -> [JSONObject] {
        try #require(root[key]?.array).map { try #require($0.object) }
    }

    static func floats(_ value: JSONValue?) throws -> [Float] {
        try #require(value?.array).map {
            Float(bitPattern: UInt32(try #require($0.integer)))
        }
    }
}

@Suite struct OptimizerTests {
    @Test func `five steps of AdamW are those of PyTorch`() throws {
        for fixture in try OptimizerFixture().cases("adamw") {
            var parameters = try OptimizerFixture.floats(fixture["start"])
            var optimizer = AdamW(
                parameterCount: 10,
                weightDecay: try #require(fixture["weight_decay"]?.number)
            )
            for step in try #require(fixture["steps"]?.array) {
                let step = try #require(step.object)
                let gradients = try OptimizerFixture.floats(step["gradient"])
                let expected = try OptimizerFixture.floats(step["parameters"])
                var span = parameters.mutableSpan
                optimizer.update(
                    &span,
                    gradients: gradients.span,
                    learningRate: try #require(step["learning_rate"]?.number)
                )
                for (actual, expected) in zip(parameters, expected) {
                    // One unit in the last place: PyTorch fuses some products with sums.
                    #expect(abs(actual - expected) <= expected.ulp)
                }
            }
            #expect(optimizer.stepCount == 5)
        }
    }

    @Test func `gradients are clipped as PyTorch clips them`() throws {
        for fixture in try OptimizerFixture().cases("clip") {
            var gradients = try OptimizerFixture.floats(fixture["gradient"])
            let expected = try OptimizerFixture.floats(fixture["clipped"])
            var span = gradients.mutableSpan
            let norm = GradientClipping.clip(&span, to: try #require(fixture["limit"]?.number))
            #expect(abs(norm - (try #require(fixture["norm"]?.number))) < 1e-6)
            for (actual, expected) in zip(gradients, expected) {
                #expect(abs(actual - expected) <= expected.ulp)
            }
        }
    }

    @Test func `a reset optimizer is a new one`() {
        var optimizer = AdamW(parameterCount: 2)
        var parameters: [Float] = [1, 2]
        let gradients: [Float] = [0.5, -0.5]
        var span = parameters.mutableSpan
        optimizer.update(&span, gradients: gradients.span, learningRate: 0.1)
        #expect(optimizer != AdamW(parameterCount: 2))
        optimizer.reset()
        #expect(optimizer == AdamW(parameterCount: 2))
    }

    @Test func `the rate rises in a line and falls along a cosine`() {
        let schedule = LearningRateSchedule(peak: 1, warmupStepCount: 4, totalStepCount: 12)
        let rates = (0..<14).map(schedule.learningRate(atStep:))
        #expect(Array(rates[0..<4]) == [0.25, 0.5, 0.75, 1])
        #expect(rates[4] == 1)
        #expect(abs(rates[8] - 0.5) < 1e-12)
        #expect(rates[11] > 0 && rates[11] < 0.05)
        #expect(rates[12] == 0 && rates[13] == 0)
        for (earlier, later) in zip(rates[4...], rates[5...]) {
            #expect(later <= earlier)
        }
    }

    @Test func `the rate falls in a line or stays, as it is told`() {
        let line = LearningRateSchedule(
            decay: .linear, peak: 1, floor: 0.2, warmupStepCount: 2, totalStepCount: 10)
        let rates = (0..<12).map(line.learningRate(atStep:))
        #expect(rates[0] == 0.5 && rates[1] == 1 && rates[2] == 1)
        #expect(abs(rates[6] - 0.6) < 1e-12 && abs(rates[9] - 0.3) < 1e-12)
        #expect(rates[10] == 0.2 && rates[11] == 0.2)
        let constant = LearningRateSchedule(
            decay: .constant, peak: 3, warmupStepCount: 2, totalStepCount: 4)
        #expect((0..<6).map(constant.learningRate(atStep:)) == [1.5, 3, 3, 3, 3, 3])
    }

    @Test func `the rate keeps its floor and a warm-up may fill the run`() {
        let floored = LearningRateSchedule(
            peak: 2, floor: 0.5, warmupStepCount: 0, totalStepCount: 2)
        #expect(floored.learningRate(atStep: 0) == 2)
        #expect(floored.learningRate(atStep: 1) == 1.25)
        #expect(floored.learningRate(atStep: 2) == 0.5)
        let short = LearningRateSchedule(peak: 1, warmupStepCount: 9, totalStepCount: 3)
        #expect(short.learningRate(atStep: 2) == 1)
        #expect(short.learningRate(atStep: 3) == 0)
    }

    @Test func `a run stops when held-out loss no longer falls`() {
        var rule = EarlyStopping(patience: 2, improvementMin: 0.1)
        let stops = [3, 2.95, 2.8, .nan, 2.75].map { rule.observe($0) }
        #expect(stops == [false, false, false, false, true])
        #expect(rule.best == 2.8)
    }

    @Test func `settings that make no sense are named`() {
        func error(_ change: (inout TrainingSettings) -> Void) -> String? {
            var settings = TrainingSettings(totalStepCount: 10)
            change(&settings)
            do throws(TrainingError) {
                try settings.validate()
                return nil
            } catch {
                guard case .settingOutOfRange(let name, _, _) = error else { return "other" }
                return name
            }
        }
        #expect(error { _ in } == nil)
        #expect(error { $0.batchSize = 0 } == "batch size")
        #expect(error { $0.sequenceLength = -1 } == "sequence length")
        #expect(error { $0.totalStepCount = 0 } == "steps")
        #expect(error { $0.learningRate = .nan } == "learning rate")
        #expect(error { $0.learningRate = .infinity } == "learning rate")
        #expect(error { $0.gradientClip = 0 } == "gradient clip")
        #expect(error { $0.rowsPerPass = 0 } == "rows per pass")
        #expect(error { $0.dropout = 1 } == "dropout")
        #expect(error { $0.dropout = -0.1 } == "dropout")
    }
}
