internal import Cryptography
internal import Federation
internal import Tensors

/// A trainer that moves small adapters by small random steps in no time, and what hostile nodes
/// make of their states.
enum GossipTrainer {
    static func manifest(
        scenario: GossipScenario, author: SigningKey, initialAdapter: NamedTensors
    ) -> SignedManifest {
        let layout = AdapterLayout(of: initialAdapter)
        do {
            let manifest = try Manifest(
                name: "gossip", baseModelDigest: Hashing.blake2b256(Array("base".utf8)),
                baseModelName: "stub", tokenizerDigest: Hashing.blake2b256(Array("words".utf8)),
                initialAdapterDigest: AdapterStateCodec.digest(of: initialAdapter),
                adapter: Manifest.AdapterSettings(
                    rank: 2, alpha: 4, targets: ["q_proj"], initializationSeed: 1),
                training: Manifest.TrainingSettings(
                    roundCount: scenario.roundCount, localStepCount: 4, batchSize: 2,
                    sequenceLength: 8, learningRate: 0.001),
                ring: Manifest.RingSettings(weightUnit: 8), normBound: 1,
                membership: Manifest.MembershipSettings(
                    startMemberCount: scenario.startMemberCount, quorumMinimum: 1),
                updateByteCountMax: StateObjectCodec.byteCount(
                    of: layout, form: scenario.aggregation.wireForm),
                author: author.publicKey, createdAtSeconds: 1_700_000_000,
                aggregation: scenario.aggregation, exchange: scenario.exchange)
            return try SignedManifest(signing: manifest, with: author)
        } catch {
            preconditionFailure("the scenario \(scenario.name) makes no manifest: \(error)")
        }
    }

    /// The state with a random step of that size in each element.
    static func trained(
        _ start: NamedTensors, scale: Float, generator: inout SimulationGenerator
    ) -> NamedTensors {
        var elements = start.elements
        for index in elements.indices {
            elements[index].tensor.values = elements[index].tensor.values.map { value in
                // Twelve uniform numbers come close enough to a bell.
                var bell: Float = -6
                for _ in 0..<12 { bell += Float(generator.next() >> 40) * 0x1p-24 }
                return value + scale * bell
            }
        }
        return NamedTensors(elements)
    }

    /// The object that a node announces: its prepared one, or what its behaviour makes of it.
    static func hostile(
        _ prepared: StateInspector.Prepared, manifest: SignedManifest,
        behavior: GossipScenario.Behavior
    ) -> (bytes: [UInt8], summary: UpdateSummary) {
        var elements = prepared.state.elements
        switch behavior {
        case .honest, .shouts, .forgets: return (prepared.bytes, prepared.summary)
        case .unknownTensor:
            elements[0] = .init(
                name: "k" + elements[0].name.dropFirst(), tensor: elements[0].tensor)
        case .notFinite:
            // The first step or element, behind the head, the name and the extents, is no number.
            let first = 101 + 4 + elements[0].name.utf8.count + 4 + 4 * 2
            var bytes = prepared.bytes
            for index in first..<first + 4 { bytes[index] = 0xFF }
            return (bytes, summary(like: prepared.summary, bytes: bytes))
        case .exceedsNorm:
            for index in elements.indices {
                elements[index].tensor.values = elements[index].tensor.values.map {
                    ($0 + 1) * 1e6
                }
            }
        }
        let bytes = StateObjectCodec.encode(
            NamedTensors(elements), manifest: manifest, round: prepared.summary.round,
            member: prepared.summary.member)
        return (bytes, summary(like: prepared.summary, bytes: bytes))
    }

    private static func summary(like honest: UpdateSummary, bytes: [UInt8]) -> UpdateSummary {
        UpdateSummary(
            objectID: ContentAddress.id(of: bytes), member: honest.member, round: honest.round,
            baseAdapterDigest: honest.baseAdapterDigest, exampleCount: honest.exampleCount,
            byteCount: bytes.count)
    }
}
