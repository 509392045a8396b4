internal import NodeServices
internal import Training

/// What `starling train` prints.
struct TrainReport {
    let trainer: LocalTrainer
    let console: Console

    /// Tells what there is to learn from.
    func tellData() {
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
        guard trainer.settings.packsRows else { return }
        console.note(
            "packed into \(trainer.sequenceCount) rows, of whose positions "
                + "\(Self.percent(trainer.paddingShare)) are padding; unpacked it would be "
                + Self.percent(trainer.unpackedPaddingShare)
        )
    }

    /// Tells what a step did.
    func tell(_ step: StepReport, seconds: Double, heldOut: Evaluation?, left: Duration?) {
        let speed = Double(step.tokenCount) / max(seconds, 1e-9)
        var record = JSONRecord()
        record.add("step", step.step)
        record.add("loss", step.loss)
        record.add("tokens_per_second", speed)
        record.add("learning_rate", step.learningRate)
        record.add("gradient_norm", step.gradientNorm)
        record.add("examples", step.exampleCount)
        record.add("tokens", step.tokenCount)
        if let left { record.add("seconds_left", left.seconds) }
        if let heldOut { record.add("held_out_loss", heldOut.loss) }
        var line = "step \(step.step) of \(trainer.settings.totalStepCount)"
        line += "  loss \(step.loss.text(places: 4))  \(speed.text(places: 0)) tokens/s"
        if let heldOut { line += "  held out \(heldOut.loss.text(places: 4))" }
        if let left { line += "  \(Console.text(of: left)) left" }
        console.report(record, text: line)
    }

    /// Tells how the run ended.
    func finish(
        end: String,
        adapter: String,
        predictedByteCount: Int?,
        before: Evaluation?,
        after: Evaluation?,
        seconds: Double
    ) {
        var record = JSONRecord()
        let peak = ProcessMemory.peakByteCount()
        record.add("peak_memory_bytes", peak)
        if let predictedByteCount { record.add("predicted_memory_bytes", predictedByteCount) }
        record.add("steps", trainer.completedStepCount)
        record.add("seconds", seconds)
        record.add("end", end)
        record.add("adapter", adapter)
        var lines = ["\(end); the adapter is in \(adapter)"]
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
        var memory = "peak memory \((Double(peak) / 1_048_576).text(places: 0)) MiB"
        if let predictedByteCount {
            let share = Double(peak) / Double(predictedByteCount)
            memory += ", \((100 * share).text(places: 0)) % of what was predicted"
        }
        lines.append(memory)
        console.report(record, text: lines.joined(separator: "\n"))
    }

    private static func percent(_ share: Double) -> String {
        "\((100 * share).text(places: 1)) %"
    }
}
