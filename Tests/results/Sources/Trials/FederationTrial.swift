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
        let trainer: LocalTrainer
        let capacity: TrainingCapacity
        var memory: AggregationRound.Memory
        var delta = NamedTensors()
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
        for (index, node) in bench.nodes.enumerated() {
            members.append(
                Member(
                    key: try TrialBench.key(index).publicKey,
                    trainer: try bench.trainer(
                        on: node.training, batchSize: bench.settings.batchSize,
                        stepCount: bench.totalStepCount, seed: bench.seed(of: index)),
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
        bench.adapter.select(nil)
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
                members[index].memory, own: members[index].delta,
                stepCount: bench.settings.localStepCount, from: consensus,
                to: next)
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
        bench.adapter.select(selection)
        bench.adapter.correct(
            LocalCorrection(
                settings: manifest.manifest.aggregation, start: start,
                control: member.memory.control))
        defer { bench.adapter.correct(nil) }
        let firstStep = (Int(aggregation.round) - 1) * stepCount
        try member.trainer.begin(at: firstStep, parameters: start)
        var exampleCount = 0
        for _ in 0..<stepCount {
            let report = try member.trainer.step()
            tally.loss += report.loss
            exampleCount += report.exampleCount
            outcome.trainedTokenCount += report.tokenCount
        }
        let delta = member.trainer.parameters.subtracting(start)
        var rounding = SplitMix64(seed: bench.seed(of: index), stream: aggregation.round)
        let quantized = try UpdateQuantizer(manifest: manifest).quantize(
            UpdateQuantizer.TrainedDelta(
                delta: delta, selection: selection, exampleCount: exampleCount,
                stepCount: stepCount),
            round: aggregation.round, base: base, member: member.key,
            feedback: &members[index].memory.feedback, using: &rounding)
        let bytes = AdapterUpdateCodec.encode(quantized.update)
        tally.updates.append(
            try AdapterUpdateCodec.decode(
                bytes, byteCountMax: manifest.manifest.updateByteCountMax))
        tally.byteCount += bytes.count
        tally.scaledCount += quantized.isScaledToBound ? 1 : 0
        tally.clippedCount += quantized.clippedCount
        members[index].delta = delta
        members[index].updateByteCount = bytes.count
        bench.journal.note("round \(aggregation.round), \(bench.nodes[index].name): \(bytes.count)")
    }
}
