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
    /// How the rate goes on after the warm-up.
    ///
    /// A cosine, as is customary.
    public var decay: LearningRateSchedule.Decay
    /// The share of the peak that a falling rate ends at.
    ///
    /// 0, as is customary.
    public var learningRateFloorFraction: Double
    /// The steps in which the rate rises.
    ///
    /// 0: the moments' bias correction is warm-up enough for
    /// adapters that start at zero.
    public var warmupStepCount: Int
    /// The steps of the whole run, which the schedule spans.
    public var totalStepCount: Int
    /// Decoupled decay.
    ///
    /// 0: see ``AdamW``.
    public var weightDecay: Double
    /// The bound of the gradient's norm; `nil` for none.
    ///
    /// 1, as is customary. ``MeZO`` has no gradient to bound.
    public var gradientClip: Double?
    /// What decides the order of rows.
    public var seed: UInt64
    /// How many rows pass the model at once; `nil` for the whole batch.
    ///
    /// Fewer take less memory and
    /// give the same gradient but for rounding.
    public var rowsPerPass: Int?
    /// The share of the adapter's inputs that a step leaves out at random: `lora_dropout`.
    ///
    /// 0: a federation trains few steps on much text. PEFT's recipes for small data take 0.05 or 0.1.
    public var dropout: Double
    /// Whether a row of a batch is filled with several short texts that don't see each other.
    ///
    /// Off: a step then learns from more texts, so rate and step count are to be chosen anew.
    public var packsRows: Bool

    /// What moves the parameters.
    public var optimizer: OptimizerKind
    /// ε of ``MeZO``: how far from the parameters the loss is taken.
    ///
    /// 1e-2: the published one for low-rank adapters.
    public var perturbation: Double

    /// Makes settings; each default says its reason above.
    public init(
        batchSize: Int = 2,
        sequenceLength: Int = 256,
        learningRate: Double = 1e-3,
        decay: LearningRateSchedule.Decay = .cosine,
        learningRateFloorFraction: Double = 0,
        warmupStepCount: Int = 0,
        totalStepCount: Int,
        weightDecay: Double = 0,
        gradientClip: Double? = 1,
        seed: UInt64 = 0,
        rowsPerPass: Int? = nil,
        dropout: Double = 0,
        packsRows: Bool = false,
        optimizer: OptimizerKind = .adamW,
        perturbation: Double = MeZO.perturbation
    ) {
        self.batchSize = batchSize
        self.sequenceLength = sequenceLength
        self.learningRate = learningRate
        self.decay = decay
        self.learningRateFloorFraction = learningRateFloorFraction
        self.warmupStepCount = warmupStepCount
        self.totalStepCount = totalStepCount
        self.weightDecay = weightDecay
        self.gradientClip = gradientClip
        self.seed = seed
        self.rowsPerPass = rowsPerPass
        self.dropout = dropout
        self.packsRows = packsRows
        self.optimizer = optimizer
        self.perturbation = perturbation
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
        // Both sides of a direction must see the same inputs.
        try Self.check("dropout", dropout, in: 0...(optimizer == .mezo ? 0 : 0.99))
        try Self.check("perturbation", perturbation, in: 1e-8...10)
    }

    /// The schedule that these settings describe.
    public var schedule: LearningRateSchedule {
        LearningRateSchedule(
            decay: decay,
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
