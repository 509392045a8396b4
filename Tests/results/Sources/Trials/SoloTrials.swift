internal import Training

/// Each node learns from its own text, and nothing is sent; moments go on from step to step.
struct LocalTrial {
    private let bench: TrialBench

    init(_ bench: TrialBench) {
        self.bench = bench
    }

    func run() throws -> TrialOutcome {
        var outcome = TrialOutcome()
        let initial = bench.adapter.parameters
        for (index, node) in bench.nodes.enumerated() {
            bench.adapter.parameters = initial
            let trainer = try bench.trainer(
                on: node.training, batchSize: bench.settings.batchSize,
                stepCount: bench.totalStepCount, seed: bench.seed(of: index))
            while !trainer.isFinished {
                outcome.trainedTokenCount += try trainer.step().tokenCount
            }
            outcome.evaluations.append(bench.evaluate(index))
        }
        return outcome
    }
}

/// One model learns from the rows that the nodes of every other arm see, each as often.
struct PooledTrial {
    private let bench: TrialBench
    private let isSequential: Bool

    /// - Parameters:
    ///   - isSequential: whether a step has the rows of one node's step; else it has those of all
    ///     nodes' steps, and there are as many steps as one node takes.
    init(_ bench: TrialBench, isSequential: Bool) {
        self.bench = bench
        self.isSequential = isSequential
    }

    func run() throws -> TrialOutcome {
        var outcome = TrialOutcome()
        let settings = bench.settings
        let count = isSequential ? 1 : bench.nodes.count
        let trainer = try bench.trainer(
            on: rows, batchSize: settings.batchSize * count,
            stepCount: bench.totalStepCount * bench.nodes.count / count,
            seed: bench.seed(of: 0))
        while !trainer.isFinished {
            let report = try trainer.step()
            outcome.trainedTokenCount += report.tokenCount
            bench.journal.note("step \(report.step): \(report.loss)")
        }
        outcome.evaluations = bench.evaluateAll()
        return outcome
    }

    /// The rows of all nodes' steps: an epoch of them is a trial.
    private var rows: [TokenRow] {
        bench.nodes.enumerated().flatMap { index, node in
            var schedule = BatchSchedule(
                rowCount: node.training.count, batchSize: bench.settings.batchSize,
                seed: bench.seed(of: index))
            return (0..<bench.totalStepCount).flatMap { step in
                schedule.rows(ofStep: step).map { node.training[$0] }
            }
        }
    }
}
