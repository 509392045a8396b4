internal import Adapters
internal import Checkpoints
internal import Cryptography
internal import Federation
internal import Models
internal import Tensors
internal import Training

/// A federation in one process: its nodes train one after another on one model, and what goes from
/// one to the others goes through the quantiser, the bytes, the inspector and the aggregator of a
/// real one.
struct FederationTrial {
    /// One member.
    private struct Member {
        let key: PublicKey
        let capacity: TrainingCapacity
        var memory: AggregationRound.Memory
        /// What it did in the round.
        var part: AggregationRound.Part?
        var updateByteCount = 0
    }

    /// What the members' training of a round adds up to.
    private struct Tally {
        var updates: [AdapterUpdate] = []
        var byteCount = 0
        var loss = 0.0
        var scaledCount = 0
        var clippedCount = 0
    }

    private let bench: TrialBench
    private let manifest: SignedManifest
    private let layout: AdapterLayout
    private let inputNorms: InputNorms?
    private var members: [Member] = []
    private var outcome = TrialOutcome()

    init(_ bench: TrialBench) throws {
        self.bench = bench
        let initial = bench.adapter.parameters
        layout = AdapterLayout(of: initial)
        manifest = try bench.manifest(initial: initial)
        inputNorms = bench.settings.keepsInputNorms ? InputNorms(of: initial) : nil
        let layerCount = bench.model.configuration.layerCount
        for index in bench.nodes.indices {
            members.append(
                Member(
                    key: try TrialBench.key(index).publicKey,
                    capacity: bench.tier(of: index).capacity(
                        of: initial, modelLayerCount: layerCount),
                    memory: AggregationRound.Memory(layout: layout)))
        }
    }

    /// Runs all rounds and evaluates the last consensus.
    consuming func run() throws -> TrialOutcome {
        var consensus = bench.adapter.parameters
        for round in 1...bench.settings.roundCount {
            consensus = try run(round: round, from: consensus)
        }
        bench.adapter.parameters = try ConsensusState(consensus, layout: layout).adapter
        outcome.evaluations = bench.evaluateAll()
        outcome.updateByteCounts = members.map(\.updateByteCount)
        return outcome
    }

    private mutating func run(
        round: Int, from consensus: NamedTensors
    ) throws -> NamedTensors {
        let aggregation = AggregationRound(
            manifest: manifest, layout: layout, round: UInt64(round))
        let base = ContentAddress.id(of: AdapterStateCodec.encode(consensus))
        let began = bench.journal.seconds
        var tally = Tally()
        for index in members.indices {
            try train(index, aggregation, from: consensus, base: base, tally: &tally)
        }
        let trained = bench.journal.seconds
        let aggregate = try aggregation.aggregate(tally.updates, onto: consensus)
        let next = inputNorms?.restored(in: aggregate.adapter) ?? aggregate.adapter
        for index in members.indices {
            members[index].memory = try aggregation.remember(
                members[index].memory, own: members[index].part, from: consensus, to: next)
        }
        let stepCount = members.count * bench.settings.localStepCount
        outcome.rounds.append(
            TrialRecord.Round(
                round: round, updateByteCount: tally.byteCount,
                trainingLoss: tally.loss / Double(stepCount),
                scaledUpdateCount: tally.scaledCount, clippedValueCount: tally.clippedCount,
                droppedEnergy: aggregate.droppedEnergy, trainingSeconds: trained - began,
                aggregationSeconds: bench.journal.seconds - trained))
        bench.journal.note(
            "round \(round): loss \(tally.loss / Double(stepCount)), \(tally.byteCount) bytes, "
                + "dropped \(aggregate.droppedEnergy)")
        return next
    }

    /// Trains one member's part of a round and adds its update to the tally.
    private mutating func train(
        _ index: Int, _ aggregation: AggregationRound, from consensus: NamedTensors,
        base: ObjectID, tally: inout Tally
    ) throws {
        let member = members[index]
        let stepCount = bench.settings.localStepCount
        let selection = aggregation.select(member: member.key, capacity: member.capacity)
        let start = try aggregation.begin(consensus, selection: selection)
        let adapter = PartialLoRAAdapter(
            configuration: bench.adapter.configuration, model: bench.model.configuration,
            whole: start,
            trained: Dictionary(
                uniqueKeysWithValues: selection.entries.map { entry in
                    (entry.name, entry.directions ?? Array(0..<bench.settings.rank))
                }),
            computeType: bench.model.options.computeType)
        let trainer = try bench.trainer(
            of: adapter, on: bench.nodes[index].training, batchSize: bench.settings.batchSize,
            stepCount: bench.totalStepCount, seed: bench.seed(of: index))
        try trainer.begin(
            at: (Int(aggregation.round) - 1) * stepCount, parameters: adapter.parameters)
        trainer.correction = correction(of: adapter, control: member.memory.control)
        var (exampleCount, rateSum) = (0, 0.0)
        for _ in 0..<stepCount {
            let report = try trainer.step()
            tally.loss += report.loss
            exampleCount += report.exampleCount
            rateSum += report.learningRate
            outcome.trainedTokenCount += report.tokenCount
        }
        let delta = adapter.merged(into: start).subtracting(start)
        var rounding = SplitMix64(seed: bench.seed(of: index), stream: aggregation.round)
        let quantized = try UpdateQuantizer(manifest: manifest).quantize(
            UpdateQuantizer.TrainedDelta(
                delta: delta, selection: selection, exampleCount: exampleCount,
                stepCount: stepCount),
            round: aggregation.round, base: base, member: member.key,
            feedback: &members[index].memory.feedback, using: &rounding)
        let bytes = AdapterUpdateCodec.encode(quantized.update)
        let update = try AdapterUpdateCodec.decode(
            bytes, byteCountMax: manifest.manifest.updateByteCountMax)
        tally.updates.append(update)
        tally.byteCount += bytes.count
        tally.scaledCount += quantized.isScaledToBound ? 1 : 0
        tally.clippedCount += quantized.clippedCount
        members[index].part = AggregationRound.Part(update: update, rateSum: rateSum)
        members[index].updateByteCount = bytes.count
        bench.journal.note("round \(aggregation.round), \(bench.nodes[index].name): \(bytes.count)")
    }

    /// FedProx's pull and the control variate, in the order of the trained values; `nil` for neither.
    private func correction(
        of adapter: PartialLoRAAdapter, control: ControlVariate
    ) -> LocalCorrection? {
        let settings = manifest.manifest.aggregation
        guard settings.proximalStrength > 0 || settings.usesControlVariates else { return nil }
        return LocalCorrection(
            proximalStrength: settings.proximalStrength,
            start: unsafe adapter.withParameters { unsafe Array($0) },
            direction: settings.usesControlVariates
                ? adapter.values(of: control.correction) : [])
    }
}
