internal import Adapters
internal import Cryptography
internal import Federation
internal import Models
internal import Tensors

extension TrialBench {
    /// A member's key: the same in every arm, and nobody's secret.
    static func key(_ index: Int) throws -> SigningKey {
        let seed = [UInt8](repeating: 0x5A, count: 31) + [UInt8(truncatingIfNeeded: index)]
        guard let key = SigningKey(seed: seed) else {
            preconditionFailure("a seed of \(seed.count) bytes")
        }
        return key
    }

    /// The manifest that `starling init` would sign for these settings.
    func manifest(initial: NamedTensors) throws -> SignedManifest {
        let layout = AdapterLayout(of: initial)
        let author = try Self.key(0)
        let steps = settings.localStepCount
        // AdamW moves an element by about the learning rate a step at most.
        let reach =
            settings.learningRate * Double(steps) * Double(layout.elementCount).squareRoot()
        let aggregation = Manifest.AggregationSettings(
            aggregator: settings.aggregator, wireForm: WireForm(named: settings.wireForm) ?? .int8,
            outerLearningRate: settings.outerLearningRate,
            outerMomentum: settings.outerMomentum, proximalStrength: settings.proximalStrength,
            usesControlVariates: settings.usesControlVariates)
        let absent = Hashing.blake2b256(Array("no store is behind a trial".utf8))
        let manifest = try Manifest(
            name: "trial", baseModelDigest: absent, baseModelName: "trial",
            tokenizerDigest: absent,
            initialAdapterDigest: ContentAddress.id(of: AdapterStateCodec.encode(initial)),
            adapter: Manifest.AdapterSettings(
                rank: settings.rank, alpha: settings.alpha,
                targets: Projection.allCases.map(\.rawValue).sorted(by: NamedTensors.precedes),
                initializationSeed: UInt64(settings.seed)),
            training: Manifest.TrainingSettings(
                roundCount: settings.roundCount, localStepCount: steps,
                batchSize: settings.batchSize, sequenceLength: settings.sequenceLength,
                learningRate: settings.learningRate),
            ring: Manifest.RingSettings(
                weightUnit: Self.powerOfTwo(atLeast: steps * settings.batchSize)),
            normBound: reach,
            membership: Manifest.MembershipSettings(
                startMemberCount: nodes.count, quorumMinimum: 1),
            updateByteCountMax: layout.updateByteCount(under: aggregation),
            author: author.publicKey, createdAtSeconds: 0, aggregation: aggregation)
        return try SignedManifest(signing: manifest, with: author)
    }

    private static func powerOfTwo(atLeast value: Int) -> Int {
        var power = 1
        while power < value { power *= 2 }
        return power
    }
}
