public import Adapters
internal import Kernels
internal import Models
public import Tensors

/// Trains the adapter of a model on this node's own data, one optimizer step per call.
///
/// In a federation every round begins with ``begin(at:parameters:keepsMoments:)``: the parameters
/// become the consensus, the schedule and the order of rows go on at the given step. The moments of
/// AdamW start at zero again unless told otherwise, for they belong to a path that the
/// consensus did not take; a node that restarts between two rounds then needs nothing but the
/// consensus.
///
/// Not `Sendable`: a trainer lives on one thread, with its model.
public final class LocalTrainer {
    /// The settings, checked.
    public let settings: TrainingSettings
    /// The rows to train on and those kept apart.
    public let data: TrainingData
    /// The steps of the run that are done; the next step has this index from 0.
    public private(set) var completedStepCount = 0
    /// What is added to gradients and steps; for values in the adapter's own order.
    public var correction: LocalCorrection?

    let model: AdaptedModel
    let adapter: any TrainableAdapter
    let sequences: [PackedRow]
    let learningRates: LearningRateSchedule
    private(set) var batches: BatchSchedule
    /// `nil` where steps follow ``mezo``, which remembers nothing.
    private var optimizer: AdamW?
    private let mezo: MeZO?
    private let layoutHash: UInt64

    /// Makes a trainer at step 0, with the parameters that the adapter has.
    ///
    /// - Throws: `TrainingError.settingOutOfRange`, `.adapterMissing` or `.dataEmpty`; `.rowTooLong`
    ///   where rows are packed.
    public init(
        model: AdaptedModel,
        data: TrainingData,
        settings: TrainingSettings
    ) throws(TrainingError) {
        try settings.validate()
        guard let adapter = model.adapter else { throw .adapterMissing }
        guard !data.training.isEmpty else { throw .dataEmpty }
        guard settings.dropout == 0 || adapter.takesDropout else {
            throw .settingOutOfRange(
                name: "dropout", value: "\(settings.dropout)", allowed: "0 with this adapter")
        }
        self.model = model
        self.adapter = adapter
        self.data = data
        self.settings = settings
        learningRates = settings.schedule
        sequences = try Self.sequences(of: data.training, settings: settings)
        batches = BatchSchedule(
            rowCount: sequences.count,
            batchSize: settings.batchSize,
            seed: settings.seed
        )
        switch settings.optimizer {
        case .adamW:
            mezo = nil
            optimizer = AdamW(
                parameterCount: adapter.parameterCount,
                weightDecay: settings.weightDecay
            )
        case .mezo:
            optimizer = nil
            mezo = MeZO(
                seed: settings.seed,
                perturbation: settings.perturbation,
                weightDecay: settings.weightDecay
            )
        }
        layoutHash = Self.layoutHash(of: adapter.parameters)
    }

    /// Whether the schedule has steps left.
    public var isFinished: Bool { completedStepCount >= settings.totalStepCount }

    /// The adapter's parameters, by PEFT's names.
    public var parameters: NamedTensors { adapter.parameters }

    /// The number of sequences that an epoch has: that of the rows, unless they are packed.
    public var sequenceCount: Int { sequences.count }

    /// The rows that the next step will see.
    public func nextRows() -> [TokenRow] {
        nextSequences().flatMap(\.texts)
    }

    /// The sequences that pass the model at once.
    var rowsPerPass: Int { min(settings.rowsPerPass ?? .max, settings.batchSize) }

    private func nextSequences() -> [PackedRow] {
        batches.rows(ofStep: completedStepCount).map { sequences[$0] }
    }

    /// Takes one optimizer step on the mean loss of the batch's predicted tokens.
    ///
    /// - Throws: `TrainingError.lossNotFinite` or `.gradientNotFinite`; the parameters and the
    ///   step count then are what they were, with ``MeZO`` but for rounding.
    /// - Complexity: one forward and one backward pass over the batch, or two forward passes.
    public func step() throws(TrainingError) -> StepReport {
        let sequences = nextSequences()
        let targetCount = sequences.reduce(0) { $0 + $1.targetCount }
        precondition(targetCount > 0, "a batch predicts nothing: \(sequences.count) rows")
        let (loss, norm, learningRate) =
            if let mezo {
                try stepByLosses(mezo, sequences, targetCount: targetCount)
            } else {
                try stepByGradients(sequences, targetCount: targetCount)
            }
        completedStepCount += 1
        return StepReport(
            step: completedStepCount,
            loss: loss,
            targetCount: targetCount,
            tokenCount: sequences.reduce(0) { $0 + $1.inputCount },
            exampleCount: sequences.reduce(0) { $0 + $1.texts.count },
            learningRate: learningRate,
            gradientNorm: norm
        )
    }

    private func stepByGradients(
        _ sequences: [PackedRow],
        targetCount: Int
    ) throws(TrainingError) -> (loss: Double, norm: Double, learningRate: Double) {
        let nats = accumulateGradients(sequences, targetCount: targetCount)
        let loss = nats / Double(targetCount)
        let learningRate = learningRates.learningRate(atStep: completedStepCount)
        guard loss.isFinite else { throw .lossNotFinite(step: completedStepCount + 1) }
        let norm = moveParameters(learningRate: learningRate)
        guard norm.isFinite else { throw .gradientNotFinite(step: completedStepCount + 1) }
        return (loss, norm, learningRate)
    }

    /// Starts a round: replaces the parameters and goes on at a step of the schedule.
    ///
    /// - Throws: `TrainingError.parametersMismatch` or `.parameterNotFinite`; nothing has changed
    ///   then. `TrainingError.settingOutOfRange` where no run has such a step.
    public func begin(
        at step: Int,
        parameters: NamedTensors,
        keepsMoments: Bool = false
    ) throws(TrainingError) {
        guard (0...TrainerSnapshot.stepCountMax).contains(step) else {
            throw .settingOutOfRange(
                name: "step",
                value: "\(step)",
                allowed: "0...\(TrainerSnapshot.stepCountMax)"
            )
        }
        let current = adapter.parameters
        guard current.hasSameLayout(as: parameters) else {
            throw .parametersMismatch(
                expectedTensorCount: current.elements.count,
                actualTensorCount: parameters.elements.count
            )
        }
        for element in parameters.elements
        where !element.tensor.values.allSatisfy(\.isFinite) {
            throw .parameterNotFinite(name: element.name)
        }
        adapter.parameters = parameters
        completedStepCount = step
        if !keepsMoments { optimizer?.reset() }
    }

    /// The loss on the rows that are kept apart; `nil` where there are none.
    public func evaluateHeldOut(progress: (Int) -> Bool = { _ in true }) -> Evaluation? {
        guard !data.heldOut.isEmpty else { return nil }
        return Evaluator.evaluate(
            model,
            on: data.heldOut,
            rowsPerPass: rowsPerPass,
            progress: progress
        )
    }

    /// The state between two steps.
    ///
    /// A trainer of the same settings, data and model that restores
    /// it goes on with the same bits, as long as the kernels give the same bits.
    ///
    /// - Complexity: O(n) in parameters; 12 bytes each, 4 with ``MeZO``, and 72 of header.
    public func snapshot() -> [UInt8] {
        TrainerSnapshot(
            stepCount: completedStepCount,
            identity: snapshotIdentity,
            parameters: unsafe adapter.withParameters { unsafe Array($0) },
            moments: optimizer.map {
                TrainerSnapshot.Moments(
                    stepCount: $0.stepCount, first: $0.firstMoments, second: $0.secondMoments)
            }
        ).encoded()
    }

    /// Goes back to the state of a snapshot.
    ///
    /// - Throws: what is wrong with the bytes; nothing has changed then.
    public func restore(_ bytes: [UInt8]) throws(TrainingError) {
        let snapshot = try TrainerSnapshot(
            decoding: bytes, expected: snapshotIdentity, hasMoments: optimizer != nil)
        unsafe adapter.withParameters { parameters in
            for index in snapshot.parameters.indices {
                unsafe parameters[index] = snapshot.parameters[index]
            }
        }
        completedStepCount = snapshot.stepCount
        guard let moments = snapshot.moments else { return }
        optimizer?.stepCount = moments.stepCount
        optimizer?.firstMoments = moments.first
        optimizer?.secondMoments = moments.second
    }

    private var snapshotIdentity: TrainerSnapshot.Identity {
        TrainerSnapshot.Identity(
            seed: settings.seed,
            batchSize: UInt64(settings.batchSize),
            sequenceLength: UInt64(settings.sequenceLength),
            rowCount: UInt64(sequences.count),
            parameterCount: UInt64(adapter.parameterCount),
            parameterLayout: layoutHash
        )
    }

    /// Sets the adapter's gradients to those of a step and returns its summed loss.
    ///
    /// Every pass has the targets of the whole step as its divisor, so the sum is the gradient of the
    /// step's mean, however the step is cut.
    private func accumulateGradients(_ sequences: [PackedRow], targetCount: Int) -> Double {
        adapter.zeroGradients()
        var nats = 0.0
        for start in stride(from: 0, to: sequences.count, by: rowsPerPass) {
            let pass = sequences[start..<min(start + rowsPerPass, sequences.count)]
            nats +=
                model.accumulateGradients(
                    TokenBatch(sequences: pass),
                    normalizer: Double(targetCount),
                    dropout: dropout(firstSequence: start)
                ).nats
        }
        return nats
    }

    /// What a pass of the next step drops.
    private func dropout(firstSequence: Int) -> DropoutPlan? {
        guard settings.dropout > 0 else { return nil }
        return DropoutPlan(
            probability: settings.dropout,
            seed: settings.seed,
            step: completedStepCount,
            firstSequence: firstSequence
        )
    }

    /// Clips the gradient, and steps if it is finite; returns its norm before clipping.
    private func moveParameters(learningRate: Double) -> Double {
        unsafe adapter.withGradients { gradientBuffer in
            var gradients = unsafe gradientBuffer.mutableSpan
            if let correction {
                unsafe adapter.withParameters { parameters in
                    unsafe correction.pull(&gradients, at: parameters.span)
                }
            }
            let norm: Double
            if let limit = settings.gradientClip {
                norm = GradientClipping.clip(&gradients, to: limit)
            } else {
                norm = GradientClipping.norm(gradients.span)
            }
            guard norm.isFinite else { return norm }
            unsafe adapter.withParameters { parameterBuffer in
                var parameters = unsafe parameterBuffer.mutableSpan
                optimizer?.update(
                    &parameters,
                    gradients: gradients.span,
                    learningRate: learningRate
                )
                correction?.turn(&parameters, learningRate: learningRate)
            }
            return norm
        }
    }

    /// Source: Fowler, Noll and Vo, FNV-1a with 64 bits.
    private static func layoutHash(of parameters: NamedTensors) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for element in parameters.elements {
            for byte in "\(element.name) \(element.tensor.shape)\n".utf8 {
                hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
            }
        }
        return hash
    }
}
