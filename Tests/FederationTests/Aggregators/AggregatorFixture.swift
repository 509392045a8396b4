import Cryptography
import Tensors

@testable import Federation

/// A federation with two low-rank pairs, neither of them square, and a lone tensor.
struct AggregatorFixture {
    static let first = "layers.0.q_proj.lora_A.weight"
    static let second = "layers.1.q_proj.lora_A.weight"
    static let lone = "norm.weight"

    let manifest: SignedManifest
    let layout: AdapterLayout
    let pairing: AdapterPairing
    let base: NamedTensors

    init(
        _ aggregator: String, form: WireForm = .ring32, rank: Int = 8, normBound: Double = 100,
        output: Int = 6, input: Int = 10, quorum: Int = 2,
        secure: Manifest.SecureSettings? = nil,
        _ change: (inout Manifest.AggregationSettings) -> Void = { _ in }
    ) throws {
        var settings = Manifest.AggregationSettings(aggregator: aggregator, wireForm: form)
        // Whatever the aggregator is, the manifest is of version 2.
        settings.proximalStrength = 0.01
        change(&settings)
        var generator = SplitMix64(seed: 11)
        func element(_ name: String, _ extents: [Int]) -> NamedTensors.Element {
            .init(
                name: name,
                tensor: FloatTensor(
                    shape: Shape(extents),
                    values: (0..<Shape(extents).elementCount).map { _ in
                        Float(generator.fraction() - 0.5)
                    }))
        }
        base = NamedTensors([
            element(Self.first, [rank, input]),
            element("layers.0.q_proj.lora_B.weight", [output, rank]),
            element(Self.second, [rank, 4]), element("layers.1.q_proj.lora_B.weight", [5, rank]),
            element(Self.lone, [7]),
        ])
        layout = AdapterLayout(of: base)
        pairing = AdapterPairing(of: layout)
        let author = Fixtures.key(1)
        manifest = try SignedManifest(
            signing: Manifest(
                name: "test", baseModelDigest: Fixtures.digest("base"), baseModelName: "stub",
                tokenizerDigest: Fixtures.digest("tokenizer"),
                initialAdapterDigest: Fixtures.digest("adapter"),
                adapter: .init(rank: rank, alpha: 16, targets: ["q_proj"], initializationSeed: 7),
                training: .init(
                    roundCount: 9, localStepCount: 8, batchSize: 8, sequenceLength: 16,
                    learningRate: 1e-3),
                ring: .init(clipMagnitude: 1, weightUnit: 64), normBound: normBound,
                membership: .init(startMemberCount: max(3, quorum), quorumMinimum: quorum),
                updateByteCountMax: layout.updateByteCount(under: settings),
                author: author.publicKey, createdAtSeconds: 1_700_000_000,
                aggregation: settings, secure: secure), with: author)
    }

    /// A delta of random elements in -scale/2...scale/2.
    func delta(seed: UInt64, scale: Double = 0.5) -> NamedTensors {
        var generator = SplitMix64(seed: seed)
        return NamedTensors(
            base.elements.map { element in
                .init(
                    name: element.name,
                    tensor: FloatTensor(
                        shape: element.tensor.shape,
                        values: element.tensor.values.map { _ in
                            Float((generator.fraction() - 0.5) * scale)
                        }))
            })
    }

    func round(_ number: UInt64 = 1) -> AggregationRound {
        AggregationRound(manifest: manifest, layout: layout, round: number)
    }

    func update(
        _ delta: NamedTensors, member: UInt8, rank: Int = 8, held: Set<String>? = nil,
        examples: Int = 64, steps: Int = 8, round: UInt64 = 1
    ) throws -> AdapterUpdate {
        var feedback = ErrorFeedback(layout: layout)
        var generator = SplitMix64(seed: UInt64(member))
        let key = Fixtures.key(member).publicKey
        let selection = self.round(round).select(
            member: key, capacity: TrainingCapacity(rank: rank, heldNames: held))
        return try UpdateQuantizer(manifest: manifest).quantize(
            .init(
                delta: delta, selection: selection, exampleCount: examples, stepCount: steps),
            round: round, base: Fixtures.digest("base"), member: key, feedback: &feedback,
            using: &generator
        ).update
    }

    /// What a member has after training: the base with its update's deltas.
    func trained(_ update: AdapterUpdate) -> NamedTensors { trained(update, onto: base) }

    func trained(_ update: AdapterUpdate, onto start: NamedTensors) -> NamedTensors {
        let held = HeldUpdates.deltas(of: update, manifest: manifest.manifest)
        return NamedTensors(
            start.elements.map { element in
                var tensor = element.tensor
                if let part = update[element.name], let delta = held[element.name] {
                    var values = tensor.values
                    part.held.forEach { held, whole, _ in
                        values[whole] = Float(Double(values[whole]) + delta[held])
                    }
                    tensor.values = values
                }
                return .init(name: element.name, tensor: tensor)
            })
    }

    /// B A of a pair, row-major [output, input].
    func product(_ tensors: NamedTensors, pair index: Int = 0) -> [Double] {
        let pair = pairing.pairs[index]
        let a = tensors.elements[pair.input].tensor.values
        let b = tensors.elements[pair.output].tensor.values
        var product = [Double](repeating: 0, count: pair.outputSize * pair.inputSize)
        for row in 0..<pair.outputSize {
            for column in 0..<pair.inputSize {
                for direction in 0..<pair.rank {
                    product[row * pair.inputSize + column] +=
                        Double(b[row * pair.rank + direction])
                        * Double(a[direction * pair.inputSize + column])
                }
            }
        }
        return product
    }
}

extension HeldUpdates {
    /// The held deltas of an update by name.
    static func deltas(of update: AdapterUpdate, manifest: Manifest) -> [String: [Double]] {
        let unit = Double(manifest.ring.weightUnit) / Double(1 << manifest.ring.fractionBitCount)
        return Dictionary(
            uniqueKeysWithValues: update.tensors.map { tensor in
                (
                    tensor.name,
                    tensor.words.map {
                        Double(Int32(bitPattern: $0)) / Double(tensor.weight) * unit
                    }
                )
            })
    }
}

/// The greatest difference of two lists.
func distance(_ left: [Double], _ right: [Double]) -> Double {
    precondition(left.count == right.count, "\(left.count) against \(right.count) values")
    return zip(left, right).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

/// The weighted sum of some lists.
func sum(_ lists: [[Double]], weights: [Double]) -> [Double] {
    var sum = [Double](repeating: 0, count: lists[0].count)
    for (list, weight) in zip(lists, weights) {
        for index in sum.indices { sum[index] += weight * list[index] }
    }
    return sum
}
