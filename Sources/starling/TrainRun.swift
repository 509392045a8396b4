internal import Adapters
internal import Checkpoints
internal import Foundation
internal import JSONDocuments
internal import Training

/// The loop of `starling train`: steps, evaluations, and the end.
final class TrainRun {
    private let trainer: LocalTrainer
    private let adapter: LoRAAdapter
    private let modelName: String
    private let command: TrainCommand
    private let console: Console
    private let clock = ContinuousClock()
    private var stopping: EarlyStopping?

    init(
        trainer: LocalTrainer,
        adapter: LoRAAdapter,
        modelName: String,
        command: TrainCommand,
        console: Console
    ) {
        self.trainer = trainer
        self.adapter = adapter
        self.modelName = modelName
        self.command = command
        self.console = console
        stopping = command.heldOut.patience.map { EarlyStopping(patience: $0) }
    }

    func run() throws {
        Interruption.watch()
        tellData()
        let dump = try command.dumpBatches.map(BatchDump.init(path:))
        let before = evaluateHeldOut()
        let start = clock.now
        var end = "all steps are done"
        while !trainer.isFinished {
            if Interruption.isRequested {
                end = "interrupted"
                break
            }
            let rows = dump == nil ? [] : trainer.nextRows()
            let begin = clock.now
            let report = try trainer.step()
            let seconds = (clock.now - begin).seconds
            try dump?.write(rows, report: report)
            let evaluation = isEvaluated(report.step) ? evaluateHeldOut() : nil
            tell(report, seconds: seconds, heldOut: evaluation)
            console.progress(
                "step",
                done: report.step,
                of: trainer.settings.totalStepCount,
                since: start
            )
            if let loss = evaluation?.loss, stopping?.observe(loss) == true {
                end = "held-out loss no longer falls"
                break
            }
        }
        try save()
        finish(end: end, before: before, seconds: (clock.now - start).seconds)
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

    private func tellData() {
        let data = trainer.data
        var line = "\(data.training.count) rows to train on, \(data.heldOut.count) held out"
        let census = data.census
        for (count, what) in [
            (census.duplicateCount, "repeated and left out"),
            (census.truncatedCount, "cut off at the row's length"),
            (census.droppedCount, "without a token to predict"),
        ] where count > 0 {
            line += "; \(count) \(what)"
        }
        console.note(line)
    }

    private func tell(_ report: StepReport, seconds: Double, heldOut: Evaluation?) {
        let isLast = report.step == trainer.settings.totalStepCount
        guard isLast || heldOut != nil || report.step.isMultiple(of: command.logEvery) else {
            return
        }
        let speed = Double(report.tokenCount) / max(seconds, 1e-9)
        var record = JSONRecord()
        record.add("step", report.step)
        record.add("loss", report.loss)
        record.add("tokens_per_second", speed)
        record.add("learning_rate", report.learningRate)
        record.add("gradient_norm", report.gradientNorm)
        if let heldOut { record.add("held_out_loss", heldOut.loss) }
        var line = "step \(report.step)  loss \(report.loss.text(places: 4))"
        line += "  \(speed.text(places: 0)) tokens/s"
        if let heldOut { line += "  held out \(heldOut.loss.text(places: 4))" }
        console.report(record, text: line)
    }

    private func save() throws(CommandFailure) {
        do throws(CheckpointError) {
            try PEFTFolder.write(adapter.peft(baseModelName: modelName), to: command.output)
        } catch {
            throw CommandFailure(.outputUnwritable, error.description)
        }
    }

    private func finish(end: String, before: Evaluation?, seconds: Double) {
        let after = evaluateHeldOut()
        var record = JSONRecord()
        record.add("peak_memory_bytes", ProcessMemory.peakByteCount())
        record.add("steps", trainer.completedStepCount)
        record.add("seconds", seconds)
        record.add("end", end)
        record.add("adapter", command.output)
        var lines = ["\(end); the adapter is in \(command.output)"]
        if let before, let after {
            var heldOut = JSONRecord()
            heldOut.add("before", before.loss)
            heldOut.add("after", after.loss)
            record.add("held_out", heldOut.value)
            lines.append(
                "held-out loss \(before.loss.text(places: 4)) before, "
                    + "\(after.loss.text(places: 4)) after"
            )
        }
        let mebibytes = Double(ProcessMemory.peakByteCount()) / 1_048_576
        lines.append("peak memory \(mebibytes.text(places: 0)) MiB")
        console.report(record, text: lines.joined(separator: "\n"))
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double { self / .seconds(1) }
}
