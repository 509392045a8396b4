internal import Adapters
internal import Checkpoints
internal import Foundation
internal import NodeServices
internal import Training

/// The loop of `starling train`: steps, evaluations, checkpoints, and the end.
final class TrainRun {
    private let trainer: LocalTrainer
    private let adapter: any TrainableAdapter
    private let modelName: String
    private let keeper: RunKeeper?
    private let guardian: MemoryGuard?
    private let command: TrainCommand
    private let report: TrainReport
    private let console: Console
    private let clock = ContinuousClock()
    private var start = ContinuousClock().now
    private var stopping: EarlyStopping?
    private var before: Evaluation?
    /// The seconds of earlier processes of this run.
    private var secondsBefore = 0.0
    private var lastSavedStep: Int?

    init(
        trainer: LocalTrainer,
        adapter: any TrainableAdapter,
        modelName: String,
        keeper: RunKeeper?,
        guardian: MemoryGuard?,
        command: TrainCommand,
        console: Console
    ) {
        self.trainer = trainer
        self.adapter = adapter
        self.modelName = modelName
        self.keeper = keeper
        self.guardian = guardian
        self.command = command
        self.console = console
        report = TrainReport(trainer: trainer, console: console)
        stopping = command.heldOut.patience.map { EarlyStopping(patience: $0) }
    }

    /// - Throws: ``MemoryShortage`` in the first steps, besides what training and files throw; nothing
    ///   has been written then.
    func run() throws {
        Interruption.watch()
        report.tellData()
        let dump = try command.dumpBatches.map(BatchDump.init(path:))
        if try !resume() { before = evaluateHeldOut() }
        start = clock.now
        let end = try takeSteps(dump)
        try keep()
        try save()
        report.finish(
            end: end,
            adapter: command.output,
            predictedByteCount: guardian?.plan.peak.byteCount,
            before: before,
            after: evaluateHeldOut(),
            seconds: elapsed.seconds
        )
    }

    /// Takes steps until there are none left or none wanted, and returns why it ended.
    private func takeSteps(_ dump: BatchDump?) throws -> String {
        let total = trainer.settings.totalStepCount
        let firstStep = trainer.completedStepCount
        try guardian?.check(afterStep: 0)
        while !trainer.isFinished {
            if stopping?.isExhausted == true { return "held-out loss no longer falls" }
            if Interruption.isRequested { return "interrupted" }
            let rows = dump == nil ? [] : trainer.nextRows()
            let begin = clock.now
            let step = try trainer.step()
            let seconds = (clock.now - begin).seconds
            try guardian?.check(afterStep: step.step - firstStep)
            try dump?.write(rows, report: step)
            let evaluation = isEvaluated(step.step) ? evaluateHeldOut() : nil
            if let loss = evaluation?.loss { _ = stopping?.observe(loss) }
            if isTold(step.step) || evaluation != nil {
                let left = Console.timeLeft(done: step.step, of: total, elapsed: elapsed)
                report.tell(step, seconds: seconds, heldOut: evaluation, left: left)
            }
            console.progress("step", done: step.step, of: total, since: clock.now - elapsed)
            if let keeper, step.step.isMultiple(of: keeper.interval) { try keep() }
        }
        return "all steps are done"
    }

    /// The time that the run has taken so far, in earlier processes too.
    private var elapsed: Duration { clock.now - start + .seconds(secondsBefore) }

    /// Goes on from a checkpoint; whether there was one.
    private func resume() throws -> Bool {
        guard command.checkpoints.resume != nil, let keeper else { return false }
        guard let checkpoint = try keeper.resume(trainer, console) else {
            console.note("no checkpoint is there yet; the run begins at step 0")
            return false
        }
        stopping = checkpoint.stopping
        before = checkpoint.before
        secondsBefore = checkpoint.seconds
        lastSavedStep = checkpoint.step
        console.note("goes on after step \(checkpoint.step)")
        return true
    }

    /// Writes a checkpoint, unless there is one of this step.
    private func keep() throws {
        guard let keeper, lastSavedStep != trainer.completedStepCount else { return }
        try keeper.save(
            trainer,
            stopping: stopping,
            before: before,
            seconds: elapsed.seconds
        )
        lastSavedStep = trainer.completedStepCount
    }

    private func isTold(_ step: Int) -> Bool {
        step == trainer.settings.totalStepCount || step.isMultiple(of: command.logEvery)
    }

    private func isEvaluated(_ step: Int) -> Bool {
        guard let every = command.heldOut.evaluateEvery else { return false }
        return step.isMultiple(of: every)
    }

    private func evaluateHeldOut() -> Evaluation? {
        let start = clock.now
        let total = trainer.data.heldOut.count
        return trainer.evaluateHeldOut { done in
            console.progress("held-out row", done: done, of: total, since: start)
            return true
        }
    }

    private func save() throws(CommandFailure) {
        do throws(CheckpointError) {
            try adapter.write(to: command.output, baseModelName: modelName)
        } catch {
            throw CommandFailure(.outputUnwritable, error.description)
        }
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double { self / .seconds(1) }
}
