import Cryptography
import Tensors
import Testing

@testable import Federation

/// READ tensors in a manifest, and updates of one method alone.
struct READSettingsTests {
    private let settings = Manifest.READSettings(
        cell: .lstm, aggregation: .mean, stateSize: 64, learningRate: 0.004)
    private let tensors = NamedTensors([
        element("layers.0.q_proj.lora_A.weight", [2, 4]),
        element("layers.0.q_proj.lora_B.weight", [3, 2]),
        element("read.out.bias", [4]), element("read.out.weight", [4, 2]),
    ])

    private static func element(_ name: String, _ extents: [Int]) -> NamedTensors.Element {
        .init(name: name, tensor: FloatTensor(zeros: Shape(extents)))
    }

    private func manifest(
        _ read: Manifest.READSettings?, _ aggregation: Manifest.AggregationSettings = .spectral
    ) throws -> Manifest {
        let plain = try Fixtures.manifest()
        return try Manifest(
            name: plain.name, baseModelDigest: plain.baseModelDigest,
            baseModelName: plain.baseModelName, tokenizerDigest: plain.tokenizerDigest,
            initialAdapterDigest: plain.initialAdapterDigest, adapter: plain.adapter,
            training: plain.training, ring: plain.ring, normBound: plain.normBound,
            membership: plain.membership, updateByteCountMax: 4096,
            author: plain.author, createdAtSeconds: plain.createdAtSeconds,
            aggregation: aggregation, read: read)
    }

    @Test func `a manifest with READ is of version 2 and is read back`() throws {
        for aggregation in [Manifest.AggregationSettings.spectral, .factorMean] {
            let made = try manifest(settings, aggregation)
            #expect(made.version == 2 && made.allowsParts)
            let read = try Manifest(canonicalBytes: made.canonicalBytes)
            #expect(read == made && read.read == settings)
            #expect(read.digest != (try manifest(nil, aggregation).digest))
        }
        let bytes = try manifest(settings).canonicalBytes
        for count in 0..<bytes.count {
            #expect(throws: ManifestError.self) {
                try Manifest(canonicalBytes: Array(bytes.prefix(count)))
            }
        }
        #expect(try manifest(settings).learningRate(of: "read.out.bias") == 0.004)
        #expect(
            try manifest(settings).learningRate(of: "layers.0.q_proj.lora_A.weight")
                == Fixtures.manifest().training.learningRate)
    }

    @Test func `sizes and rates outside their ranges are refused by name`() throws {
        func field(_ change: (inout Manifest.READSettings) -> Void) -> ManifestError.Field? {
            var changed = settings
            change(&changed)
            do {
                _ = try manifest(changed)
                return nil
            } catch ManifestError.outOfRange(let field, _, _) {
                return field
            } catch {
                return nil
            }
        }
        for size in [0, -1, 16_385] { #expect(field { $0.stateSize = size } == .readStateSize) }
        for rate in [0, -1, 1.1, .nan] {
            #expect(field { $0.learningRate = rate } == .readLearningRate)
        }
    }

    private func verdict(holding names: Set<String>?) throws -> Result<Void, RejectReason> {
        let layout = AdapterLayout(of: tensors)
        let signed = try SignedManifest(signing: manifest(settings), with: Fixtures.key(1))
        let member = Fixtures.key(2).publicKey
        let round = AggregationRound(manifest: signed, layout: layout, round: 1)
        let selection = round.select(
            member: member, capacity: TrainingCapacity(rank: 2, heldNames: names))
        var feedback = ErrorFeedback(layout: layout)
        var generator = SplitMix64(seed: 1)
        let base = Fixtures.digest("base")
        let update = try UpdateQuantizer(manifest: signed).quantize(
            .init(delta: tensors, selection: selection, exampleCount: 8, stepCount: 1),
            round: 1, base: base, member: member, feedback: &feedback, using: &generator
        ).update
        return UpdateInspector.check(
            AdapterUpdateCodec.encode(update), manifest: signed, layout: layout, round: 1,
            base: base, member: member
        ).map { _ in }
    }

    @Test func `an update holds the tensors of one method`() throws {
        let names = tensors.names
        #expect(throws: Never.self) { try verdict(holding: Set(names.prefix(2))).get() }
        #expect(throws: Never.self) { try verdict(holding: Set(names.suffix(2))).get() }
        #expect(throws: RejectReason.updateMethodInvalid) { try verdict(holding: nil).get() }
        #expect(throws: RejectReason.updateMethodInvalid) {
            try verdict(holding: [names[3]]).get()
        }
        #expect(throws: RejectReason.updateMethodInvalid) {
            try verdict(holding: Set(names.prefix(3))).get()
        }
    }
}
