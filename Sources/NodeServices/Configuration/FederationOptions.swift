internal import Adapters
public import Cryptography
public import Federation
internal import Foundation
public import Models
internal import Tensors

/// What the author of a federation decides; all members follow it.
public struct FederationOptions: Sendable {
    /// The federation's name.
    public var name = "federation"
    /// Rounds until the run is over.
    ///
    /// 10: some hundred steps, enough to see whether it helps.
    public var roundCount = 10
    /// Optimizer steps per round.
    ///
    /// 20: the field's habit of ten or more.
    public var localStepCount = 20
    /// Rows of a step.
    public var batchSize = 4
    /// Tokens of a row.
    public var sequenceLength = 128
    /// LoRA's rank; alpha is twice the rank unless set.
    public var rank = 8
    /// LoRA's alpha.
    public var alpha: Double?
    /// The adapted projections; all seven unless set.
    public var targets = Projection.allCases
    /// The peak learning rate.
    public var learningRate = 1e-3
    /// Steps of warm-up over the whole run.
    public var warmupStepCount = 0
    /// Members that must be in before the first round.
    public var startMemberCount = 2
    /// The least number of participants of a round; a majority is needed in any case.
    public var quorumMinimum = 1
    /// Rounds of silence after which a member leaves.
    public var absentRoundCountMax = 3
    /// The greatest norm of an update; derived from rate and steps unless set.
    public var normBound: Double?
    /// The seed of the first adapter.
    public var seed: UInt64 = 1
    /// How updates become the next adapter.
    ///
    /// The mean of products in int8: it takes members of any rank, and did best with them.
    public var aggregation = Manifest.AggregationSettings.spectral
    /// How rounds hide updates; they don't unless set.
    public var secure: Manifest.SecureSettings?
    /// Whose certificates make members beside the author's; nil for a federation that whoever has the
    /// manifest may take part in.
    public var issuers: [PublicKey]?
    /// When the federation was made, in seconds since 1970; now unless set.
    public var createdAtSeconds: UInt64?
    /// The READ adapter beside LoRA's, for members that train that; none unless set.
    public var read: Manifest.READSettings?
    /// How members come together.
    public var exchange = Manifest.ExchangeSettings.group

    /// The defaults.
    public init() {}

    /// The settings of the adapter.
    var loraConfiguration: LoRAConfiguration {
        LoRAConfiguration(rank: rank, alpha: alpha ?? Double(2 * rank), targets: targets)
    }

    /// The adapter on a base model.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` for extents that no adapter has.
    func adapter(on record: ModelRecord) throws(NodeError) -> FederationAdapter {
        guard (1...1024).contains(rank) else {
            throw NodeError(.invalidInput, "The rank is \(rank); give 1 to 1024.")
        }
        if let read, !(1...16_384).contains(read.stateSize) {
            throw NodeError(
                .invalidInput, "READ's state has \(read.stateSize) values; give 1 to 16384.")
        }
        return try FederationAdapter(
            lora: loraConfiguration, read: read.map(READConfiguration.init), record: record)
    }

    /// The manifest of a federation on a base model.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` that names the field that is out of range.
    func manifest(
        model: ModelRecord, modelID: Digest, modelName: String, layout: AdapterLayout,
        initialAdapterID: Digest, author: PublicKey
    ) throws(NodeError) -> Manifest {
        let examples = localStepCount.multipliedReportingOverflow(by: batchSize)
        guard !examples.overflow, (1...1 << 24).contains(examples.partialValue) else {
            throw NodeError(
                .invalidInput, "\(localStepCount) steps of \(batchSize) rows are out of range."
            )
        }
        // AdamW moves an element by about the learning rate a step at most.
        let squares = layout.entries.reduce(0) { sum, entry in
            let isREAD = entry.name.hasPrefix(Manifest.READSettings.namePrefix)
            let rate = isREAD ? read?.learningRate ?? learningRate : learningRate
            return sum + rate * rate * Double(entry.shape.elementCount)
        }
        let reach = Double(localStepCount) * squares.squareRoot()
        do {
            return try Manifest(
                name: name,
                baseModelDigest: modelID,
                baseModelName: modelName,
                tokenizerDigest: model.tokenizerID,
                initialAdapterDigest: initialAdapterID,
                adapter: Manifest.AdapterSettings(
                    rank: rank,
                    alpha: alpha ?? Double(2 * rank),
                    targets: targets.map(\.rawValue).sorted(by: NamedTensors.precedes),
                    initializationSeed: seed
                ),
                training: Manifest.TrainingSettings(
                    roundCount: roundCount,
                    localStepCount: localStepCount,
                    batchSize: batchSize,
                    sequenceLength: sequenceLength,
                    learningRate: learningRate,
                    warmupStepCount: warmupStepCount
                ),
                ring: Manifest.RingSettings(
                    weightUnit: Self.powerOfTwo(atLeast: examples.partialValue)
                ),
                normBound: normBound ?? max(reach, 1e-6),
                membership: Manifest.MembershipSettings(
                    startMemberCount: startMemberCount,
                    quorumMinimum: quorumMinimum,
                    absentRoundCountMax: absentRoundCountMax
                ),
                updateByteCountMax: layout.objectByteCount(
                    under: aggregation, read: read, exchange: exchange),
                author: author,
                createdAtSeconds: createdAtSeconds
                    ?? UInt64(max(Date().timeIntervalSince1970, 0)),
                aggregation: aggregation,
                read: read,
                exchange: exchange,
                secure: secure,
                admission: issuers.map {
                    Manifest.AdmissionSettings(issuers: $0 + [author])
                }
            )
        } catch {
            if case .secureNeeds(let text) = error {
                throw NodeError(.invalidInput, "Secure rounds need \(text).", cause: error)
            }
            if case .ruleNeeds(let text) = error {
                throw NodeError(
                    .invalidInput, "A rule against liars needs \(text).", cause: error)
            }
            throw NodeError(.invalidInput, "These settings make no federation.", cause: error)
        }
    }

    private static func powerOfTwo(atLeast value: Int) -> Int {
        var power = 1
        while power < value { power *= 2 }
        return power
    }
}
