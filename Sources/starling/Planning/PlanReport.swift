internal import Checkpoints
internal import JSONDocuments
internal import Kernels
internal import Models
internal import Training

/// What `starling plan` prints.
struct PlanReport {
    let name: String
    let planner: MemoryPlanner
    let localStepCount: Int

    private var request: PlanningRequest { planner.request }
    private var layerCount: Int { request.model.configuration.layerCount }

    /// A table for people.
    var text: String {
        let chosen = planner.choose()
        let plans = shown(chosen)
        var lines = [head]
        if let chosen {
            var table = [["", "method", "rank", "length", "rows", "base", "peak", "s/round"]]
            table += plans.map { row($0, isChosen: $0 == chosen) }
            lines += Self.columns(table)
            lines.append("* is what 'train --memory' and 'run --memory' take.")
        } else {
            lines.append("Nothing fits, not even taking part without training.")
        }
        let whole = PredictedPeak.adamByteCount(
            parameterCount: request.model.configuration.matrixElementCount)
        lines.append(
            "For comparison: all weights trained by Adam in Float32 take "
                + "\(MemorySize(byteCount: whole).rounded) before any activation.")
        return lines.joined(separator: "\n")
    }

    /// Prints the table, or where programs read an object for each plan, the chosen one marked.
    func print(to console: SharedConsole) {
        guard console.format == .json else { return console.line(text) }
        let chosen = planner.choose()
        for plan in shown(chosen) {
            console.report(record(plan, isChosen: plan == chosen), text: "")
        }
    }

    /// Of each method the longest rows that fit, and the chosen plan.
    private func shown(_ chosen: MemoryPlan?) -> [MemoryPlan] {
        var plans = planner.fitting()
        if let chosen, !plans.contains(chosen) { plans.insert(chosen, at: 0) }
        return plans
    }

    private var head: String {
        let model = request.model.configuration
        let budget = request.budget.map {
            "within \($0) (\(planner.usableByteCount ?? 0) bytes used)"
        }
        return
            "\(name): \(model.layerCount) layers, \(model.matrixElementCount / 1_000_000) million "
            + "weights, \(budget ?? "without a bound")"
    }

    private func row(_ plan: MemoryPlan, isChosen: Bool) -> [String] {
        let isRelay = plan.method == .relay
        return [
            isChosen ? "*" : "",
            plan.title(layerCount: layerCount),
            plan.rank == 0 ? "-" : "\(plan.rank)",
            isRelay ? "-" : "\(plan.sequenceLength)",
            isRelay ? "-" : "\(plan.microBatchSize)",
            isRelay ? "-" : plan.options.storage.rawValue,
            MemorySize(byteCount: plan.peak.byteCount).rounded,
            isRelay ? "-" : (plan.secondsPerStep * Double(localStepCount)).text(places: 1),
        ]
    }

    private func record(_ plan: MemoryPlan, isChosen: Bool) -> JSONRecord {
        var record = JSONRecord()
        record.add("chosen", .bool(isChosen))
        if let budget = request.budget { record.add("budget_bytes", budget.byteCount) }
        record.add("method", plan.method.name)
        if case .lora(let count) = plan.method { record.add("layers", count) }
        record.add("rank", plan.rank)
        record.add("length", plan.sequenceLength)
        record.add("micro_batch_size", plan.microBatchSize)
        record.add("base", plan.options.storage.rawValue)
        record.add("compute", plan.options.computeType.rawValue)
        record.add("recompute", plan.options.recomputation.rawValue)
        record.add("streamed", .bool(plan.isStreamed))
        record.add("peak_bytes", plan.peak.byteCount)
        var parts = JSONRecord()
        parts.add("program", plan.peak.program)
        parts.add("weights", plan.peak.weights)
        parts.add("parameters", plan.peak.parameters)
        parts.add("optimizer", plan.peak.optimizer)
        parts.add("activations", plan.peak.activations)
        parts.add("copies", plan.peak.copies)
        record.add("parts", parts.value)
        record.add("seconds_per_step", plan.secondsPerStep)
        record.add("seconds_per_round", plan.secondsPerStep * Double(localStepCount))
        return record
    }

    /// Columns as wide as their widest entry; numbers to the right.
    private static func columns(_ table: [[String]]) -> [String] {
        let widths = (0..<(table.first?.count ?? 0)).map { column in
            table.map { $0[column].count }.max() ?? 0
        }
        return table.map { row in
            zip(row, widths).enumerated().map { index, cell in
                let blanks = String(repeating: " ", count: cell.1 - cell.0.count)
                return index == 1 ? cell.0 + blanks : blanks + cell.0
            }.joined(separator: "  ")
        }
    }
}

extension MemoryPlan {
    /// What a command tells before it follows the plan.
    func sentence(layerCount: Int) -> String {
        var parts = [title(layerCount: layerCount)]
        if rank > 0 { parts.append("rank \(rank)") }
        parts.append("rows of \(sequenceLength), \(microBatchSize) at once")
        parts.append("base \(options.storage.rawValue)")
        return "plan: " + parts.joined(separator: ", ")
            + "; \(MemorySize(byteCount: peak.byteCount).rounded) predicted"
    }

    /// The plan's method in words.
    func title(layerCount: Int) -> String {
        let streamed = isStreamed ? ", streamed" : ""
        switch method {
        case .lora(let count) where count == layerCount:
            let again =
                switch options.recomputation {
                case .none: ""
                case .mlp: ", gates and ups computed again"
                case .layer: ", layers computed again"
                }
            return "LoRA" + again + streamed
        case .lora(1): return "LoRA, last layer" + streamed
        case .lora(let count): return "LoRA, last \(count) layers" + streamed
        case .read: return "READ"
        case .mezo: return "MeZO, forward passes only" + streamed
        case .relay: return "relay only"
        }
    }
}
