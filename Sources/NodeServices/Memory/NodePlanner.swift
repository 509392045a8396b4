internal import Adapters
internal import Checkpoints
internal import Federation
internal import Kernels
internal import Models
internal import Training

/// Plans what a node trains of its federation's adapter within its memory.
struct NodePlanner: Sendable {
    private var planner: MemoryPlanner

    /// Asks for a plan.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` for a record without a matrix of its layers.
    init(
        budget: MemorySize,
        settings: NodeSettings,
        manifest: Manifest,
        adapter: FederationAdapter,
        record: ModelRecord,
        textByteCount: Int
    ) throws(NodeError) {
        let outline: ModelOutline
        do {
            outline = try ModelOutline(
                configuration: record.configuration, tensors: record.shards.map(\.tensor))
        } catch {
            throw NodeError(.refused, "The base model's record is not that of a model: \(error)")
        }
        var request = PlanningRequest(model: outline, budget: budget)
        request.program = .node
        request.holdsWholeAdapter = true
        request.trainsParts = manifest.allowsParts
        request.wish = settings.method == .read ? .read : .best
        request.threadCount = settings.threads ?? NodeSettings.standardThreadCount
        request.computeType = settings.modelOptions.computeType
        request.rank = adapter.lora.rank
        request.targets = adapter.lora.targets
        request.sequenceLength = manifest.training.sequenceLength
        request.batchSize = manifest.training.batchSize
        request.textByteCount = textByteCount
        if let read = adapter.read { request.read = read }
        planner = MemoryPlanner(request)
    }

    /// The plan that the rule picks.
    ///
    /// - Throws: ``NodeError`` with code `memory` if not even relaying fits.
    func choose() throws(NodeError) -> MemoryPlan {
        if let plan = planner.choose() { return plan }
        var request = planner.request
        request.wish = .best
        if let plan = MemoryPlanner(request).choose(), plan.method == .relay { return plan }
        let budget = planner.request.budget.map { $0.rounded } ?? ""
        throw NodeError(
            .memory,
            """
            A node of this federation takes more than \(budget), even if it trains nothing; the \
            least that training takes is \
            \(planner.leastByteCount.map { MemorySize(byteCount: $0).rounded } ?? "more").
            """
        )
    }

    /// A planner that knows what a shortage taught.
    func lowered(from plan: MemoryPlan, by shortage: MemoryShortage) -> NodePlanner {
        var lower = self
        lower.planner = planner.lowered(from: plan, by: shortage)
        return lower
    }
}

extension TrainedPart {
    /// What a plan trains of a federation's adapter; what is all of it is left open, as a person would.
    init(_ plan: MemoryPlan, of adapter: FederationAdapter) {
        self.init(method: plan.method == .read ? .read : .lora)
        guard method == .lora else { return }
        rank = plan.rank < adapter.lora.rank ? plan.rank : nil
        if case .lora(let count) = plan.method, count < adapter.model.layerCount {
            lastLayerCount = count
        }
    }
}
