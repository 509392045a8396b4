internal import Cryptography
internal import Federation
internal import Tensors

/// A trainer that makes small pseudo-random deltas of a small adapter in no time.
enum StubTrainer {
    static func initialAdapter(seed: UInt64) -> NamedTensors {
        var generator = SimulationGenerator(seed: seed ^ 0xADA9)
        return NamedTensors([
            element("layers.0.lora_A", Shape([2, 4]), scale: 0.5, &generator),
            element("layers.0.lora_B", Shape([3, 2]), scale: 0, &generator),
        ])
    }

    static func manifest(
        scenario: SimulationScenario, author: SigningKey, initialAdapterDigest: ObjectID,
        layout: AdapterLayout
    ) -> SignedManifest {
        do {
            let manifest = try Manifest(
                name: "simulation", baseModelDigest: Hashing.blake2b256(Array("base".utf8)),
                baseModelName: "stub", tokenizerDigest: Hashing.blake2b256(Array("words".utf8)),
                initialAdapterDigest: initialAdapterDigest,
                adapter: Manifest.AdapterSettings(
                    rank: 2, alpha: 4, targets: ["q_proj"], initializationSeed: 1),
                training: Manifest.TrainingSettings(
                    roundCount: scenario.roundCount, localStepCount: scenario.localStepCount,
                    batchSize: 2, sequenceLength: 8, learningRate: 0.001),
                ring: Manifest.RingSettings(weightUnit: 1024),
                normBound: 1,
                membership: Manifest.MembershipSettings(
                    startMemberCount: scenario.startMemberCount,
                    quorumMinimum: scenario.quorumMinimum,
                    absentRoundCountMax: scenario.absentRoundCountMax),
                updateByteCountMax: layout.updateByteCount(under: scenario.aggregation),
                author: author.publicKey, createdAtSeconds: 1_700_000_000,
                aggregation: scenario.aggregation, secure: scenario.secure)
            return try SignedManifest(signing: manifest, with: author)
        } catch {
            preconditionFailure("the scenario \(scenario.name) makes no manifest: \(error)")
        }
    }

    /// What the node hands in after its steps; a hostile node's is what its behaviour says.
    static func update(
        world: SimulationWorld, node: Int, training: SimulatedNode.Training,
        generator: inout SimulationGenerator
    ) -> AdapterUpdate {
        let names = world.layout.entries
        let behavior = world.scenario.behaviors[node] ?? .honest
        let delta = NamedTensors(
            names.map { entry in
                var drawn = element(entry.name, entry.shape, scale: 0.01, &generator)
                // Far beyond the norm bound, to which the quantiser scales it.
                if behavior == .pulls { drawn.tensor.values = drawn.tensor.values.map { _ in 1 } }
                return drawn
            })
        let member = world.nodes[node].key.publicKey
        let exampleCount = training.stepsDone * world.manifest.manifest.training.batchSize
        let quantizer = UpdateQuantizer(manifest: world.manifest)
        let quantized: UpdateQuantizer.Quantized
        do {
            if world.manifest.manifest.allowsParts {
                let selection = AggregationRound(
                    manifest: world.manifest, layout: world.layout, round: training.round
                ).select(member: member, capacity: TrainingCapacity(rank: 1 + node % 2))
                var feedback = ErrorFeedback(layout: world.layout)
                quantized = try quantizer.quantize(
                    .init(
                        delta: delta, selection: selection, exampleCount: exampleCount,
                        stepCount: training.stepsDone),
                    round: training.round, base: training.base, member: member,
                    feedback: &feedback, using: &generator)
            } else {
                quantized = try quantizer.quantize(
                    delta: delta, exampleCount: exampleCount, round: training.round,
                    base: training.base, member: member, using: &generator)
            }
        } catch {
            preconditionFailure("a stub delta was refused: \(error)")
        }
        let update = quantized.update
        let tensors: [AdapterUpdate.RingTensor]
        switch behavior {
        case .honest, .pulls: return update
        case .exceedsNorm:
            let full = UInt32(
                exampleCount << world.manifest.manifest.ring.fractionBitCount
                    / world.manifest.manifest.ring.weightUnit)
            tensors = update.tensors.map {
                AdapterUpdate.RingTensor(
                    name: $0.name, shape: $0.shape, weight: $0.weight,
                    words: $0.words.map { _ in full })
            }
        case .unknownTensor:
            tensors = update.tensors.map {
                AdapterUpdate.RingTensor(
                    name: "k" + $0.name.dropFirst(), shape: $0.shape, weight: $0.weight,
                    words: $0.words)
            }
        }
        return AdapterUpdate(
            manifestDigest: update.manifestDigest, round: update.round,
            baseAdapterDigest: update.baseAdapterDigest, member: update.member,
            exampleCount: update.exampleCount, tensors: tensors)
    }

    private static func element(
        _ name: String, _ shape: Shape, scale: Float, _ generator: inout SimulationGenerator
    ) -> NamedTensors.Element {
        let values = (0..<shape.elementCount).map { _ in
            (Float(generator.next() >> 40) * 0x1p-23 - 1) * scale
        }
        return NamedTensors.Element(
            name: name, tensor: FloatTensor(shape: shape, values: values))
    }
}
