internal import Adapters
internal import Checkpoints
internal import Kernels
internal import Models
internal import NodeServices
internal import Training

/// One `starling train`: what is trained and how, as the options say or as a plan for some memory.
struct TrainSession {
    let command: TrainCommand
    let console: Console

    /// The positions of a row where nothing is said.
    static let standardLength = 256

    func run() throws {
        command.compute.apply()
        try OutputFolder.check(command.output)
        let folder = try command.checkpoints.open()
        guard let budget = command.memory.budget(tell: console.note) else {
            let located = try LocatedModel(named: command.model, home: command.home)
            let data = try data(located, length: length(located))
            return try train(located, data: data, plan: nil, folder: folder)
        }
        FloatBuffer.keepLargeBlocksApart()
        var planner = MemoryPlanner(try request(within: budget))
        while true {
            let plan = try choose(planner)
            do {
                let located = try LocatedModel(named: command.model, home: command.home)
                let data = try data(located, length: plan.sequenceLength)
                return try train(located, data: data, plan: plan, folder: folder)
            } catch let shortage as MemoryShortage {
                console.note(shortage.sentence(plan))
                planner = planner.lowered(from: plan, by: shortage)
            }
        }
    }

    // MARK: - Plan

    private func request(within budget: MemorySize) throws -> PlanningRequest {
        let located = try LocatedModel(named: command.model, home: command.home)
        let wanted = try length(located)
        let rows = try data(located, length: wanted).training
        var request = PlanningRequest(model: try located.outline, budget: budget)
        request.wish =
            command.optimizer.optimizer == .mezo
            ? .mezo : command.adapter.method == .read ? .read : .best
        request.threadCount = ComputeThreads.count
        request.computeType = command.compute.modelOptions.computeType
        request.rank = command.adapter.rank ?? AdapterOptions.standardRank
        request.targets = command.adapter.targets?.projections ?? Projection.allCases
        request.read = command.adapter.read.configuration
        request.sequenceLength = min(
            wanted, PlanningRequest.wantedLength(ofRows: rows.map(\.inputCount)))
        request.batchSize = command.batchSize
        request.textByteCount = rows.reduce(0) { $0 + $1.byteCount }
        request.gigaflops = command.memory.gflops
        return request
    }

    private func choose(_ planner: MemoryPlanner) throws(CommandFailure) -> MemoryPlan {
        guard let plan = planner.choose(), plan.method != .relay else {
            let least = planner.leastByteCount.map { MemorySize(byteCount: $0) }
            let budget = planner.request.budget.map { $0.rounded } ?? ""
            throw CommandFailure(
                .memoryTooSmall,
                "nothing can be trained within \(budget); the least that this takes is "
                    + (least?.rounded ?? "more")
            )
        }
        let layerCount = planner.request.model.configuration.layerCount
        console.note(plan.sentence(layerCount: layerCount))
        return plan
    }

    // MARK: - Parts

    private func length(_ located: LocatedModel) throws(CommandFailure) -> Int {
        try located.configuration.checkedLength(command.length ?? Self.standardLength)
    }

    private func data(_ located: LocatedModel, length: Int) throws -> TrainingData {
        try TrainingData(
            TextDataset(paths: command.data),
            // T inputs and their T targets take T + 1 tokens.
            encoder: command.loss.encoder(
                located.tokenizer, located.configuration, tokenCountMax: length + 1),
            heldOutFraction: command.heldOut.heldOut,
            seed: command.seed
        )
    }

    private func train(
        _ located: LocatedModel,
        data: TrainingData,
        plan: MemoryPlan?,
        folder: CheckpointFolder?
    ) throws {
        let loaded = try LoadedModel(
            located, options: plan?.options ?? command.compute.modelOptions)
        let settings = command.settings(plan: plan)
        let adapter = try command.adapter.make(for: loaded, seed: command.seed, plan: plan)
        try OutputFolder.check(command.output, fileNames: adapter.fileNames)
        let keeper = try folder.map { folder in
            RunKeeper(
                folder: folder,
                interval: command.checkpoints.interval,
                identity: try RunIdentity(
                    model: LocatedModel.source(named: command.model, home: command.home),
                    data: data,
                    adapter: adapter,
                    settings: settings,
                    evaluation: command.heldOut.identity + [
                        RunIdentity.Field(
                            name: "compute type",
                            value: loaded.model.options.computeType.rawValue)
                    ]
                )
            )
        }
        let trainer = try LocalTrainer(
            model: AdaptedModel(model: loaded.model, adapter: adapter),
            data: data,
            settings: settings
        )
        try TrainRun(
            trainer: trainer,
            adapter: adapter,
            modelName: loaded.name,
            keeper: keeper,
            guardian: plan.map { MemoryGuard(plan: $0, budget: command.memory.memory) },
            command: command,
            console: console
        ).run()
    }
}
