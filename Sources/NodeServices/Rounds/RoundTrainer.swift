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
/// node, round, base adapter and memory give the same update: rows, rounding and schedule depend on
/// nothing else. A node that was killed in mid-round therefore trains the same update again.
actor RoundTrainer {
    /// What trains.
    struct Setup: Sendable {
        let manifest: SignedManifest
        let member: PublicKey
        let model: StoredModel
        let threadCount: Int
        let adapter: FederationAdapter
        let work: RoundWork
        /// What follows a plan for which there is less memory than it takes; `nil` without a bound.
        let lowering: Lowering?
        /// `nil` in a federation that certifies.
        let publisher: StatePublisher?
        var alterUpdate: (@Sendable ([UInt8]) -> [UInt8])?
    }

    /// The way down to plans that take less.
    struct Lowering: Sendable {
        var planner: NodePlanner
        let budget: MemorySize?
        let work: NodeWork
    }

    /// The round in training; a step of another one comes from a task that was replaced.
    struct Running {
        let round: AggregationRound
        let base: ObjectID
        let selection: TensorSelection
        let adapter: RoundAdapter
        /// `nil` once all steps are made.
        var trainer: LocalTrainer?
        var stepCount = 0
        var exampleCount = 0
        var rateSum = 0.0
    }

    private nonisolated let executor = SerialThreadExecutor(name: "trainer")
    let setup: Setup
    private let store: NodeStore
    let logger: Logger
    var model: CausalLanguageModel?
    /// `nil` for a node that has too little memory to train.
    var work: RoundWork?
    var lowering: Lowering?
    /// The steps since the plan in use was taken up, as far as they are looked at.
    var watchedStepCount = 0
    private var secondsPerStep: Double?
    var running: Running?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    init(setup: Setup, store: NodeStore, logger: Logger) {
        self.setup = setup
        work = setup.work
        lowering = setup.lowering
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
            // The state that it was split from, with its momentum.
            FloatBuffer.releaseFreeMemory()
            let stepCount = setup.manifest.manifest.training.localStepCount
            var stepsDone = 0
            for step in 1...stepCount {
                if stop.isSet || Task.isCancelled { break }
                progress(try await self.step(round: round, step: step))
                stepsDone = step
            }
            if Task.isCancelled { return nil }
            guard stepsDone > 0 else { return .trainingFailed(round: round, reason: .tooSlow) }
            if let publisher = setup.publisher {
                return try await handInState(round: round, to: publisher)
            }
            return try await handIn(round: round)
        } catch let shortage as MemoryShortage {
            await stepDown(shortage)
            return await train(round: round, base: base, stop: stop, progress: progress)
        } catch is TooLittleMemory {
            return .trainingFailed(round: round, reason: .belowMemory)
        } catch {
            logger.error(
                "training failed", metadata: ["round": "\(round)", "reason": "\(error)"]
            )
            return .trainingFailed(round: round, reason: .trainingFailed)
        }
    }

    /// Loads the model on first use and splits the round's adapter into what is trained and what is
    /// not.
    private func begin(round number: UInt64, base: ObjectID) async throws {
        guard let work else { throw TooLittleMemory() }
        let round = AggregationRound(
            manifest: setup.manifest, layout: setup.adapter.layout, round: number)
        let selection = round.select(member: setup.member, capacity: work.capacity)
        guard !selection.entries.isEmpty else {
            throw NodeError(.training, "This node trains nothing in round \(number).")
        }
        let manifest = setup.manifest.manifest
        let memory =
            manifest.aggregation.usesControlVariates
            ? try await self.memory(before: round, base: base).memory : nil
        let start = try round.begin(
            AdapterStateCodec.decodeAdapter(await store.requiredObject(base)), selection: selection)
        // What the last round or a replaced task left is not needed beside what this one makes.
        running = nil
        FloatBuffer.releaseFreeMemory()
        let model = try self.model ?? load(work.options)
        self.model = model
        let adapter = RoundAdapter(
            setup.adapter, start: start, selection: selection,
            computeType: model.options.computeType)
        let trainer = try LocalTrainer(
            model: AdaptedModel(model: model, adapter: adapter.trainable), data: work.data,
            settings: work.settings(
                manifest.training, learningRate: manifest.learningRate(of: adapter.firstName),
                seed: seed(for: "starling/order/1", round: 0)))
        try trainer.begin(
            at: Int(number - 1) * manifest.training.localStepCount,
            parameters: adapter.trainable.parameters)
        trainer.correction = adapter.correction(
            proximalStrength: manifest.aggregation.proximalStrength,
            control: memory?.control.correction)
        running = Running(
            round: round, base: base, selection: selection, adapter: adapter, trainer: trainer)
    }

    private func step(round: UInt64, step: Int) throws -> TrainingProgress {
        guard let running, round == running.round.round, let trainer = running.trainer
        else { throw CancellationError() }
        let clock = ContinuousClock()
        let began = clock.now
        let report = try trainer.step()
        try checkMemory()
        let seconds = max((clock.now - began) / .seconds(1), 1e-6)
        secondsPerStep = secondsPerStep.map { 0.7 * $0 + 0.3 * seconds } ?? seconds
        self.running?.stepCount += 1
        self.running?.exampleCount += report.exampleCount
        self.running?.rateSum += report.learningRate
        return TrainingProgress(
            round: round, step: step,
            stepCount: setup.manifest.manifest.training.localStepCount, loss: report.loss,
            secondsPerStep: secondsPerStep ?? seconds,
            tokensPerSecond: Double(report.tokenCount) / seconds,
            part: (work?.part ?? TrainedPart()).resolved(in: setup.adapter)
        )
    }

    /// Ends a round's steps: gradients and moments are not needed for what becomes of them.
    private func endSteps(round number: UInt64) throws -> Running {
        guard var running, number == running.round.round else { throw CancellationError() }
        self.running = nil
        running.trainer = nil
        self.running = running
        FloatBuffer.releaseFreeMemory()
        return running
    }

    /// Makes the update and stores it with what the node keeps of it.
    ///
    /// In secure rounds nothing of it goes to the disk: a node that ends before its update is
    /// masked trains again.
    private func handIn(round number: UInt64) async throws -> Event {
        let running = try endSteps(round: number)
        // What training started from is read once more, not held all the time.
        let consensus = try AdapterStateCodec.decodeAdapter(
            await store.requiredObject(running.base))
        let start = try running.round.begin(consensus, selection: running.selection)
        let delta = running.adapter.merged(into: start).subtracting(start)
        var found: RoundMemory.Found?
        if RoundMemory.isNeeded(under: setup.manifest.manifest) {
            found = try await memory(before: running.round, base: running.base)
        }
        var memory = found?.memory ?? AggregationRound.Memory(layout: setup.adapter.layout)
        let update = try quantize(delta, of: running, feedback: &memory.feedback)
        if setup.manifest.manifest.secure != nil {
            let contribution = SecureContribution(
                baseAdapterDigest: running.base,
                words: try running.round.secureWords(of: update, onto: consensus),
                weight: update.exampleCount)
            if self.running?.round.round == number { self.running = nil }
            return .contributionReady(round: number, contribution)
        }
        var bytes = AdapterUpdateCodec.encode(update)
        if let alterUpdate = setup.alterUpdate { bytes = alterUpdate(bytes) }
        let summary = update.summary(bytes: bytes)
        let record = found.map { _ in
            MemoryRecord(
                round: number, baseAdapterDigest: running.base, updateID: summary.objectID,
                rateSum: running.rateSum, memory: memory)
        }
        try await store.storeUpdate(bytes, record: record, keeping: found?.source)
        if self.running?.round.round == number { self.running = nil }
        return .updateReady(round: number, summary: summary)
    }

    /// Stores what training made of the own state, for the next mean and for others.
    private func handInState(
        round number: UInt64, to publisher: StatePublisher
    ) async throws -> Event {
        let running = try endSteps(round: number)
        // What training started from is read once more, not held all the time.
        let start = try running.round.begin(
            AdapterStateCodec.decodeAdapter(await store.requiredObject(running.base)),
            selection: running.selection)
        let event = try await publisher.publish(
            running.adapter.merged(into: start), from: start, base: running.base, round: number,
            exampleCount: running.exampleCount)
        if self.running?.round.round == number { self.running = nil }
        return event
    }

    /// The change of the adapter since the round's start, in ring integers.
    private func quantize(
        _ delta: NamedTensors, of running: Running, feedback: inout ErrorFeedback
    ) throws -> AdapterUpdate {
        let round = running.round.round
        let quantizer = UpdateQuantizer(manifest: setup.manifest)
        var rounding = SplitMix64(seed: seed(for: "starling/rounding/1", round: round))
        let quantized =
            if setup.manifest.manifest.allowsParts {
                try quantizer.quantize(
                    UpdateQuantizer.TrainedDelta(
                        delta: delta, selection: running.selection,
                        exampleCount: running.exampleCount, stepCount: running.stepCount),
                    round: round, base: running.base, member: setup.member,
                    feedback: &feedback, using: &rounding)
            } else {
                try quantizer.quantize(
                    delta: delta, exampleCount: running.exampleCount, round: round,
                    base: running.base, member: setup.member, using: &rounding)
            }
        if quantized.isScaledToBound {
            logger.notice(
                "the update was scaled to the norm bound",
                metadata: ["round": "\(round)", "norm": "\(quantized.norm)"]
            )
        }
        return quantized.update
    }

    private func memory(
        before round: AggregationRound, base: ObjectID
    ) async throws -> RoundMemory.Found {
        try await RoundMemory(
            manifest: setup.manifest, layout: setup.adapter.layout, store: store, logger: logger
        ).find(before: round.round, base: base)
    }

    private func load(_ options: ModelOptions) throws -> CausalLanguageModel {
        ComputeThreads.set(setup.threadCount)
        return try CausalLanguageModel(source: setup.model, options: options)
    }

    /// A seed of this member for one purpose and round.
    private func seed(for purpose: String, round: UInt64) -> UInt64 {
        // Secure or not, a federation with these settings trains the same.
        let digest = setup.manifest.manifest.openCounterpart.digest
        var bytes = Array(purpose.utf8) + [0] + digest.bytes + setup.member.bytes
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: round >> UInt64(shift)))
        }
        return Hashing.blake2b256(bytes).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
