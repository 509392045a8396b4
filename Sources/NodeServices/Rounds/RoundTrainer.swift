internal import Adapters
internal import Cryptography
internal import Federation
internal import Kernels
internal import Logging
internal import Models
internal import Storage
internal import Tensors
internal import Training

/// Trains rounds on a thread of its own: model, adapter and optimizer never leave it.
///
/// A call is one optimizer step, so that a training can be cut short after any of them. The same
/// node, round and base adapter give the same update: rows, rounding and schedule depend on nothing
/// else. A node that was killed in mid-round therefore trains the same update again.
actor RoundTrainer {
    /// What trains.
    struct Setup: Sendable {
        let manifest: SignedManifest
        let member: PublicKey
        let model: StoredModel
        let data: TrainingData
        let threadCount: Int
        let options: ModelOptions
    }

    private nonisolated let executor = SerialThreadExecutor(name: "trainer")
    private let setup: Setup
    private let store: NodeStore
    private let logger: Logger
    private var trainer: LocalTrainer?
    private var secondsPerStep: Double?
    /// The round in training; a step of another one comes from a task that was replaced.
    private var round: UInt64?
    /// The adapter that the round in training started from.
    private var base = NamedTensors()

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    init(setup: Setup, store: NodeStore, logger: Logger) {
        self.setup = setup
        self.store = store
        self.logger = logger
    }

    /// Trains a round and hands in the update, whole or as far as it came.
    ///
    /// - Returns: the event for the protocol; nil when the task was cancelled.
    nonisolated func train(
        round: UInt64, base: ObjectID, stop: StopFlag,
        progress: @escaping @Sendable (TrainingProgress) -> Void
    ) async -> Event? {
        do {
            try await begin(round: round, base: base)
            let stepCount = setup.manifest.manifest.training.localStepCount
            var examples = 0
            for step in 1...stepCount {
                if stop.isSet || Task.isCancelled { break }
                let (report, done) = try await self.step(round: round, step: step)
                examples += report.exampleCount
                progress(done)
            }
            if Task.isCancelled { return nil }
            guard examples > 0 else { return .trainingFailed(round: round, reason: .tooSlow) }
            let update = try await makeUpdate(round: round, base: base, exampleCount: examples)
            let bytes = AdapterUpdateCodec.encode(update)
            try await store.storeObject(bytes)
            let summary = update.summary(bytes: bytes)
            return .updateReady(round: round, summary: summary)
        } catch {
            logger.error(
                "training failed", metadata: ["round": "\(round)", "reason": "\(error)"]
            )
            return .trainingFailed(round: round, reason: .trainingFailed)
        }
    }

    /// Loads the model on first use and puts the round's adapter into it.
    private func begin(round: UInt64, base: ObjectID) async throws {
        let bytes = try await store.requiredObject(base)
        let trainer = try self.trainer ?? load()
        self.trainer = trainer
        let state = try AdapterStateCodec.decode(
            bytes, layout: AdapterLayout(of: trainer.parameters))
        let training = setup.manifest.manifest.training
        try trainer.begin(
            at: Int(round - 1) * training.localStepCount, parameters: state
        )
        self.base = state
        self.round = round
    }

    private func step(
        round: UInt64, step: Int
    ) throws -> (report: StepReport, progress: TrainingProgress) {
        guard let trainer, round == self.round else { throw CancellationError() }
        let clock = ContinuousClock()
        let began = clock.now
        let report = try trainer.step()
        let seconds = max((clock.now - began) / .seconds(1), 1e-6)
        secondsPerStep = secondsPerStep.map { 0.7 * $0 + 0.3 * seconds } ?? seconds
        let progress = TrainingProgress(
            round: round, step: step,
            stepCount: setup.manifest.manifest.training.localStepCount, loss: report.loss,
            secondsPerStep: secondsPerStep ?? seconds,
            tokensPerSecond: Double(report.tokenCount) / seconds
        )
        return (report, progress)
    }

    /// The change of the adapter since the round's base, in ring integers.
    private func makeUpdate(
        round: UInt64, base: ObjectID, exampleCount: Int
    ) throws -> AdapterUpdate {
        guard let trainer else { preconditionFailure("an update without a training") }
        var rounding = SplitMix64(seed: seed(for: "starling/rounding/1", round: round))
        let quantized = try UpdateQuantizer(manifest: setup.manifest).quantize(
            delta: trainer.parameters.subtracting(self.base), exampleCount: exampleCount,
            round: round, base: base, member: setup.member, using: &rounding
        )
        if quantized.isScaledToBound {
            logger.notice(
                "the update was scaled to the norm bound",
                metadata: ["round": "\(round)", "norm": "\(quantized.norm)"]
            )
        }
        return quantized.update
    }

    private func load() throws -> LocalTrainer {
        ComputeThreads.set(setup.threadCount)
        let model = try CausalLanguageModel(
            source: setup.model, options: setup.options)
        let manifest = setup.manifest.manifest
        let adapter = LoRAAdapter(
            configuration: try manifest.loraConfiguration(),
            model: model.configuration,
            seed: manifest.adapter.initializationSeed
        )
        let training = manifest.training
        return try LocalTrainer(
            model: AdaptedModel(model: model, adapter: adapter),
            data: setup.data,
            settings: TrainingSettings(
                batchSize: training.batchSize,
                sequenceLength: training.sequenceLength,
                learningRate: training.learningRate,
                warmupStepCount: training.warmupStepCount,
                totalStepCount: training.roundCount * training.localStepCount,
                weightDecay: training.weightDecay,
                seed: seed(for: "starling/order/1", round: 0)
            )
        )
    }

    /// A seed of this member for one purpose and round.
    private func seed(for purpose: String, round: UInt64) -> UInt64 {
        var bytes = Array(purpose.utf8) + [0] + setup.manifest.digest.bytes + setup.member.bytes
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: round >> UInt64(shift)))
        }
        return Hashing.blake2b256(bytes).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
