public import Adapters
public import Kernels
public import Models

/// What a plan is made for.
public struct PlanningRequest: Sendable {
    /// The methods that a plan may be asked for.
    public enum Wish: String, Sendable, CaseIterable {
        /// The first that fits in the planner's order.
        case best
        /// READ, whatever else would fit.
        case read
        /// MeZO, whatever else would fit.
        case mezo
    }

    /// The base model.
    public var model: ModelOutline
    /// What the process may have resident at most; `nil` for no bound.
    public var budget: MemorySize?
    /// What the program itself takes.
    public var program = ProgramMemory.train
    /// Which methods are considered.
    public var wish = Wish.best
    /// The threads that compute.
    public var threadCount = 1
    /// What products read.
    public var computeType = ComputeType.float32
    /// The greatest rank, and the one that is wanted.
    public var rank = 8
    /// The adapted projections.
    public var targets = Projection.allCases
    /// Whether the adapter of all layers at ``rank`` is there in any case, as in a federation.
    public var holdsWholeAdapter = false
    /// Whether some layers or directions may be trained and others not.
    public var trainsParts = true
    /// The wanted length of rows in inputs: the data's 95th percentile where it is known.
    ///
    /// 256: that of ``TrainingSettings``.
    public var sequenceLength = 256
    /// Rows of an optimizer step.
    public var batchSize = 2
    /// What READ would be like.
    public var read = READConfiguration()
    /// The bytes of the data.
    public var textByteCount = 0
    /// Whether weights lie in a memory map, so that they can be read when they are needed.
    public var canStream = true
    /// What this machine computes in training steps, in 10^9 operations a second; `nil` for
    /// ``defaultGigaflops``.
    public var gigaflops: Double?

    /// A request for a model, with defaults.
    public init(model: ModelOutline, budget: MemorySize?) {
        self.model = model
        self.budget = budget
    }

    /// What training steps reach where nothing was measured: 120 a thread in bfloat16, 65 in
    /// Float32, as on the machine of `docs/benchmarks.md`, a server of 2023.
    ///
    /// A laptop reaches about as much, a small board a tenth.
    public var defaultGigaflops: Double {
        Double(threadCount) * (computeType == .bfloat16 ? 120 : 65)
    }
}

extension PlanningRequest {
    /// The length that holds 95 of 100 rows whole; 1 of none.
    ///
    /// - Parameter inputCounts: the positions of each row.
    public static func wantedLength(ofRows inputCounts: [Int]) -> Int {
        let sorted = inputCounts.sorted()
        guard !sorted.isEmpty else { return 1 }
        return sorted[(sorted.count * 95 + 99) / 100 - 1]
    }
}
