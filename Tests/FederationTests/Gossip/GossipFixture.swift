import Cryptography
import Tensors

@testable import Federation

/// A manifest that gossips, a small adapter with a pair and a lone tensor, and random states of it.
struct GossipFixture {
    static let a = "layers.0.lora_A.weight"
    static let b = "layers.0.lora_B.weight"
    static let lone = "norm.weight"

    let manifest: SignedManifest
    let base: NamedTensors
    let rank: Int
    let output: Int
    let input: Int

    var layout: AdapterLayout { AdapterLayout(of: base) }
    var mix: StateMix { StateMix(manifest: manifest.manifest, layout: layout) }
    var inspector: StateInspector { StateInspector(manifest: manifest, initialAdapter: base) }

    init(
        _ aggregator: String = SpectralMean.name, form: WireForm = .ring32, rank: Int = 4,
        output: Int = 7, input: Int = 9, normBound: Double = 10, rounds: Int = 5,
        members: Int = 3, exchange: Manifest.ExchangeSettings = .gossip,
        robustness: Manifest.RobustnessSettings? = nil
    ) throws {
        self.rank = rank
        self.output = output
        self.input = input
        base = Self.state(seed: 99, rank: rank, output: output, input: input)
        let layout = AdapterLayout(of: base)
        let settings = Manifest.AggregationSettings(
            aggregator: aggregator, wireForm: form, robustness: robustness)
        let manifest = try Manifest(
            name: "gossip", baseModelDigest: Fixtures.digest("base"), baseModelName: "stub",
            tokenizerDigest: Fixtures.digest("tokenizer"),
            initialAdapterDigest: AdapterStateCodec.digest(of: base),
            adapter: .init(rank: rank, alpha: 4, targets: ["q_proj"], initializationSeed: 7),
            training: .init(
                roundCount: rounds, localStepCount: 4, batchSize: 2, sequenceLength: 16,
                learningRate: 1e-3),
            ring: .init(weightUnit: 64), normBound: normBound,
            membership: .init(startMemberCount: members, quorumMinimum: 1),
            updateByteCountMax: StateObjectCodec.byteCount(of: layout, form: form),
            author: Fixtures.key(1).publicKey, createdAtSeconds: 1_700_000_000,
            aggregation: settings, exchange: exchange)
        self.manifest = try SignedManifest(signing: manifest, with: Fixtures.key(1))
    }

    /// A state with elements of a bell's shape.
    func state(seed: UInt64, scale: Double = 1) -> NamedTensors {
        Self.state(seed: seed, scale: scale, rank: rank, output: output, input: input)
    }

    private static func state(
        seed: UInt64, scale: Double = 1, rank: Int, output: Int, input: Int
    ) -> NamedTensors {
        var generator = SplitMix64(seed: seed)
        func tensor(_ name: String, _ shape: Shape) -> NamedTensors.Element {
            .init(
                name: name,
                tensor: FloatTensor(
                    shape: shape,
                    values: (0..<shape.elementCount).map { _ in
                        Float(scale * (2 * generator.fraction() - 1))
                    }))
        }
        return NamedTensors([
            tensor(a, Shape([rank, input])), tensor(b, Shape([output, rank])),
            tensor(lone, Shape([5])),
        ])
    }

    /// B A row-major and the lone tensor behind it: what a state does.
    func effect(_ state: NamedTensors) -> [Double] {
        guard let a = state[Self.a]?.values, let b = state[Self.b]?.values,
            let lone = state[Self.lone]?.values
        else { return [] }
        var product = [Double](repeating: 0, count: output * input)
        for row in 0..<output {
            for column in 0..<input {
                for direction in 0..<rank {
                    product[row * input + column] +=
                        Double(b[row * rank + direction]) * Double(a[direction * input + column])
                }
            }
        }
        return product + lone.map(Double.init)
    }

    /// A member's part in a mean.
    func part(_ member: UInt8, share: Double, _ state: NamedTensors) -> StateMix.Part {
        .init(member: Fixtures.key(member).publicKey, share: share, state: .tensors(state))
    }

    static func norm(_ values: [Double]) -> Double {
        values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    static func difference(_ left: [Double], _ right: [Double]) -> [Double] {
        zip(left, right).map { $0 - $1 }
    }
}
