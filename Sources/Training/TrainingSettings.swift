/// How an adapter is trained: everything but the model and the data.
public struct TrainingSettings: Hashable, Sendable {
    /// The rows of one optimizer step.
    ///
    /// 2: the smallest batch that still averages.
    public var batchSize: Int
    /// The longest row in inputs, T.
    ///
    /// 256: whole chat turns, and activations that fit small devices.
    public var sequenceLength: Int
    /// The peak rate.
    ///
    /// 1e-3: the best of the measured ones for LoRA of rank 8 on a 135M model.
    public var learningRate: Double
    /// The share of the peak that the cosine ends at.
    ///
    /// 0, as is customary.
    public var learningRateFloorFraction: Double
    /// The steps in which the rate rises.
    ///
    /// 0: the moments' bias correction is warm-up enough for
    /// adapters that start at zero.
    public var warmupStepCount: Int
    /// The steps of the whole run, which the cosine spans.
    public var totalStepCount: Int
    /// Decoupled decay.
    ///
    /// 0: see ``AdamW``.
    public var weightDecay: Double
    /// The bound of the gradient's norm; `nil` for none.
    ///
    /// 1, as is customary.
    public var gradientClip: Double?
    /// What decides the order of rows.
    public var seed: UInt64
    /// How many rows pass the model at once; `nil` for the whole batch.
    ///
    /// Fewer take less memory and
    /// give the same gradient but for rounding.
    public var rowsPerPass: Int?

    /// Makes settings; each default says its reason above.
    public init(
        batchSize: Int = 2,
        sequenceLength: Int = 256,
        learningRate: Double = 1e-3,
        learningRateFloorFraction: Double = 0,
        warmupStepCount: Int = 0,
        totalStepCount: Int,
        weightDecay: Double = 0,
        gradientClip: Double? = 1,
        seed: UInt64 = 0,
        rowsPerPass: Int? = nil
    ) {
        self.batchSize = batchSize
        self.sequenceLength = sequenceLength
        self.learningRate = learningRate
        self.learningRateFloorFraction = learningRateFloorFraction
        self.warmupStepCount = warmupStepCount
        self.totalStepCount = totalStepCount
        self.weightDecay = weightDecay
        self.gradientClip = gradientClip
        self.seed = seed
        self.rowsPerPass = rowsPerPass
    }

    /// Checks each setting on its own.
    ///
    /// - Throws: `TrainingError.settingOutOfRange` for the first that makes no sense.
    public func validate() throws(TrainingError) {
        try Self.check("batch size", batchSize, in: 1...65_536)
        try Self.check("sequence length", sequenceLength, in: 1...1_048_576)
        try Self.check("steps", totalStepCount, in: 1...1_000_000_000)
        try Self.check("warm-up steps", warmupStepCount, in: 0...1_000_000_000)
        try Self.check("rows per pass", rowsPerPass ?? 1, in: 1...65_536)
        try Self.check("learning rate", learningRate, in: 0...1_000)
        try Self.check("learning rate floor", learningRateFloorFraction, in: 0...1)
        try Self.check("weight decay", weightDecay, in: 0...1_000)
        try Self.check("gradient clip", gradientClip ?? 1, in: .leastNormalMagnitude...1e30)
    }

    /// The schedule that these settings describe.
    public var schedule: WarmupCosine {
        WarmupCosine(
            peak: learningRate,
            floor: learningRate * learningRateFloorFraction,
            warmupStepCount: warmupStepCount,
            totalStepCount: totalStepCount
        )
    }

    private static func check<Value: Comparable>(
        _ name: String,
        _ value: Value,
        in allowed: ClosedRange<Value>
    ) throws(TrainingError) {
        // Not a number compares false with everything, so it is refused as well.
        guard allowed.contains(value) else {
            throw .settingOutOfRange(name: name, value: "\(value)", allowed: "\(allowed)")
        }
    }
}
