internal import Adapters
internal import Checkpoints
internal import Kernels
internal import Models

/// Decides what a device trains by what fits its memory, from sizes alone: nothing of the model
/// needs to be there.
///
/// The order: LoRA in all layers, with as much recomputation as is needed; LoRA in the last layers;
/// LoRA in all layers with layers read from disk when needed; MeZO; nothing. READ comes only on
/// request. Weights stay as the file encodes them where they would not fit in the type of the
/// products.
///
/// Source: `specs/adapters.md`, section 5.
///
/// ### Deviations
/// Recomputation changes the time of a step and not its result, so a row is only cut, and directions are
/// only left out, when no recomputation makes room for them; and a row is cut to less than half of the wanted length only when no
/// method that computes gradients fits otherwise. See `docs/decisions/0012`.
public struct MemoryPlanner: Sendable {
    /// What is asked for.
    public let request: PlanningRequest

    /// The part of the budget that a prediction may fill.
    ///
    /// Predictions are within a tenth of what is measured, so the rest is for their error.
    public static let usableShare = 0.92
    /// Of the last layers fewer than this many are trained only where nothing else fits.
    ///
    /// 3: on the reference text the last three layers came within 0.01 nats of the last six, and the
    /// last one alone lost 0.05.
    static let layerCountWanted = 3
    /// No row is cut to fewer inputs as long as fewer layers can be trained: a paragraph's.
    static let sequenceLengthWanted = 128
    /// No row is cut to fewer inputs.
    static let sequenceLengthMin = 32

    /// Makes a planner.
    public init(_ request: PlanningRequest) {
        self.request = request
    }

    /// What a prediction may reach; `nil` without a bound.
    public var usableByteCount: Int? {
        request.budget.map { Int(Double($0.byteCount) * Self.usableShare) }
    }

    /// The plan that the rule picks; `nil` if not even relaying fits.
    public func choose() -> MemoryPlan? {
        switch request.wish {
        case .best: bestWithGradients ?? mezo(lengths) ?? relay
        case .read: read(lengths)
        case .mezo: mezo(lengths)
        }
    }

    /// Every method that fits, at each length that is tried, in the order of the rule.
    public func fitting() -> [MemoryPlan] {
        var plans: [MemoryPlan] = []
        for length in lengths {
            for recomputation in ModelOptions.Recomputation.allCases {
                plans += [wholeLoRA([length], [recomputation], streams: false)].compactMap(\.self)
            }
            plans += [lastLayers([length])].compactMap(\.self)
            plans += [streamed([length]), mezo([length]), read([length])].compactMap(\.self)
        }
        return plans.sorted { place(of: $0) < place(of: $1) } + [relay].compactMap(\.self)
    }

    /// The least that any training is predicted to take, whatever the budget.
    public var leastByteCount: Int? {
        var request = request
        request.budget = nil
        let planner = MemoryPlanner(request)
        let length = planner.lengths.min() ?? 1
        let shapes = [PlanShape.Method.lora, .mezo].flatMap { method in
            (request.canStream ? [false, true] : [false]).map { streams in
                PlanShape(
                    method: method, layerCount: 1, rank: rankMin, length: length,
                    storage: streams ? .streamed : .mapped)
            }
        }
        return shapes.map { prediction.peak($0).byteCount }.min()
    }

    /// The wanted length, and shorter ones by powers of 2.
    var lengths: [Int] {
        let wanted = min(
            request.sequenceLength, request.model.configuration.positionCountMax)
        var lengths = [wanted]
        var power = 1 << 20
        while power >= Self.sequenceLengthMin {
            if power < wanted { lengths.append(power) }
            power /= 2
        }
        return lengths
    }
}

// MARK: - Methods

extension MemoryPlanner {
    private var layerCount: Int { request.model.configuration.layerCount }

    private var bestWithGradients: MemoryPlan? {
        let least = min(lengths[0], max(lengths[0] / 2, Self.sequenceLengthWanted))
        let long = lengths.filter { $0 >= least }
        let short = lengths.filter { $0 < least }
        for lengths in [long, short] where !lengths.isEmpty {
            let plan =
                wholeLoRA(lengths, ModelOptions.Recomputation.allCases, streams: false)
                ?? lastLayers(lengths) ?? streamed(lengths)
            if let plan { return plan }
        }
        return nil
    }

    /// LoRA in all layers at the greatest length that fits, with fewer directions only where they don't
    /// fit in the form that takes the least.
    private func wholeLoRA(
        _ lengths: [Int],
        _ recomputations: [ModelOptions.Recomputation],
        streams: Bool
    ) -> MemoryPlan? {
        for length in lengths {
            let shapes = recomputations.flatMap { recomputation in
                (streams ? [.streamed] : storages).map { storage in
                    PlanShape(
                        layerCount: layerCount, rank: request.rank, length: length,
                        storage: storage, recomputation: recomputation)
                }
            }
            if let plan = firstFitting(shapes) { return plan }
        }
        return nil
    }

    /// The first shape that fits at its rank, else the last one at a lower rank.
    private func firstFitting(_ shapes: [PlanShape]) -> MemoryPlan? {
        if let shape = shapes.first(where: fits) { return enlarge(shape, ranks: false) }
        guard var shape = shapes.last else { return nil }
        shape.rank = rankMin
        return fits(shape) ? enlarge(shape, ranks: true) : nil
    }

    /// LoRA in the last layers, as many as fit at the greatest length that leaves room for some.
    private func lastLayers(_ lengths: [Int], streams: Bool = false) -> MemoryPlan? {
        guard request.trainsParts else { return nil }
        for least in [min(Self.layerCountWanted, layerCount - 1), 1] where least > 0 {
            for length in lengths {
                for storage in streams ? [.streamed] : storages {
                    var shape = PlanShape(
                        layerCount: least, rank: request.rank, length: length, storage: storage)
                    guard fits(shape) else { continue }
                    while shape.layerCount + 1 < layerCount {
                        var larger = shape
                        larger.layerCount += 1
                        guard fits(larger) else { break }
                        shape = larger
                    }
                    return enlarge(shape, ranks: false)
                }
            }
        }
        // One layer at a lower rank, before anything worse.
        for length in lengths {
            let shape = PlanShape(
                layerCount: 1, rank: rankMin, length: length,
                storage: streams ? .streamed : .mapped)
            if fits(shape) { return enlarge(shape, ranks: true) }
        }
        return nil
    }

    /// Layers read when they are needed: all are trained, or the last ones.
    private func streamed(_ lengths: [Int]) -> MemoryPlan? {
        guard request.canStream else { return nil }
        return wholeLoRA(lengths, [.layer], streams: true) ?? lastLayers(lengths, streams: true)
    }

    /// Forward passes alone, streamed only where the weights don't fit.
    private func mezo(_ lengths: [Int]) -> MemoryPlan? {
        for streams in request.canStream ? [false, true] : [false] {
            for length in lengths {
                let shapes = (streams ? [.streamed] : storages).map { storage in
                    PlanShape(
                        method: .mezo, rank: request.rank, length: length, storage: storage)
                }
                if let plan = firstFitting(shapes) { return plan }
            }
        }
        return nil
    }

    private func read(_ lengths: [Int]) -> MemoryPlan? {
        for length in lengths {
            for storage in storages {
                let shape = PlanShape(
                    method: .read, rank: 0, length: length, storage: storage)
                if fits(shape) { return enlarge(shape, ranks: false) }
            }
        }
        return nil
    }

    private var relay: MemoryPlan? {
        let shape = PlanShape(method: .relay, rank: 0, length: 0, storage: .mapped)
        return fits(shape) ? prediction.plan(shape) : nil
    }
}

// MARK: - Sizes

extension MemoryPlanner {
    var prediction: PlanPrediction { PlanPrediction(request: request) }

    /// In the type of the products, else in place as the file has it where that is less.
    private var storages: [FrozenWeight.Storage] {
        let wide: FrozenWeight.Storage =
            request.computeType == .bfloat16 ? .bfloat16 : .float32
        let isLess =
            request.model.weightByteCount(.mapped) < request.model.weightByteCount(wide)
        return isLess ? [wide, .mapped] : [wide]
    }

    /// A quarter of the wanted directions, for fewer make a member's part small beside the others'.
    private var rankMin: Int { request.trainsParts ? max(1, request.rank / 4) : request.rank }

    private func fits(_ shape: PlanShape) -> Bool {
        guard let usable = usableByteCount else { return true }
        return prediction.peak(shape).byteCount <= usable
    }

    /// Fills what is left: first with directions, then with rows that pass at once.
    private func enlarge(_ shape: PlanShape, ranks: Bool) -> MemoryPlan {
        var shape = shape
        while ranks, shape.rank < request.rank {
            var larger = shape
            larger.rank += 1
            guard fits(larger) else { break }
            shape = larger
        }
        var size = request.batchSize
        while size > 1 {
            var larger = shape
            larger.microBatchSize = size
            if fits(larger) {
                shape = larger
                break
            }
            size = (size + 1) / 2
        }
        return prediction.plan(shape)
    }

    /// The place of a method in the order of the rule, longer rows first.
    private func place(of plan: MemoryPlan) -> (Int, Int) {
        let method: Int =
            switch (plan.method, plan.options.recomputation) {
            case (.lora, _) where plan.isStreamed: 4
            case (.lora(let count), _) where count < layerCount: 3
            case (.lora, .none): 0
            case (.lora, .mlp): 1
            case (.lora, .layer): 2
            case (.mezo, _): 5
            case (.read, _): 6
            case (.relay, _): 7
            }
        return (method, -plan.sequenceLength)
    }
}
