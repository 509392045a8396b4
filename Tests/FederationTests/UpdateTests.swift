import Cryptography
import Tensors
import Testing

@testable import Federation

struct UpdateTests {
    let manifest: SignedManifest
    let member = Fixtures.key(2).publicKey

    init() throws {
        manifest = try Fixtures.signedManifest()
    }

    private func quantize(
        _ delta: NamedTensors, examples: Int = 8, seed: UInt64 = 1
    ) throws -> UpdateQuantizer.Quantized {
        var generator = TestGenerator(state: seed)
        return try UpdateQuantizer(manifest: manifest).quantize(
            delta: delta, exampleCount: examples, round: 1, base: Fixtures.adapterDigest,
            member: member, using: &generator)
    }

    private func check(
        _ bytes: [UInt8], round: UInt64 = 1, base: ObjectID = Fixtures.adapterDigest,
        member: PublicKey? = nil
    ) -> Result<UpdateSummary, RejectReason> {
        UpdateInspector.check(
            bytes, manifest: manifest, layout: Fixtures.layout, round: round, base: base,
            member: member ?? self.member)
    }

    private func changed(
        _ update: AdapterUpdate, examples: Int? = nil,
        _ change: (AdapterUpdate.RingTensor) -> AdapterUpdate.RingTensor
    ) -> AdapterUpdate {
        AdapterUpdate(
            manifestDigest: update.manifestDigest, round: update.round,
            baseAdapterDigest: update.baseAdapterDigest, member: update.member,
            exampleCount: examples ?? update.exampleCount, tensors: update.tensors.map(change))
    }

    @Test func `an update object is read back and passes the inspector`() throws {
        let update = try quantize(Fixtures.delta(0.1)).update
        let bytes = AdapterUpdateCodec.encode(update)
        #expect(bytes.count == Fixtures.layout.updateByteCount)
        #expect(try AdapterUpdateCodec.decode(bytes, byteCountMax: bytes.count) == update)
        #expect(check(bytes) == .success(update.summary(bytes: bytes)))
    }

    @Test func `truncated and lengthened update objects are refused without a trap`() throws {
        let bytes = AdapterUpdateCodec.encode(try quantize(Fixtures.delta(0.1)).update)
        for count in 0..<bytes.count {
            #expect(check(Array(bytes.prefix(count))) == .failure(.malformed))
        }
        #expect(check(bytes + [0]) == .failure(.updateTooLarge))
    }

    @Test func `an update of another round or base or member or federation is refused`() throws {
        let bytes = AdapterUpdateCodec.encode(try quantize(Fixtures.delta(0.1)).update)
        #expect(check(bytes, round: 2) == .failure(.updateWrongRound))
        #expect(check(bytes, base: Fixtures.digest("x")) == .failure(.updateWrongBase))
        let other = Fixtures.key(3).publicKey
        #expect(check(bytes, member: other) == .failure(.updateNotAsAnnounced))
        var foreign = bytes
        foreign[20] ^= 1
        #expect(check(foreign) == .failure(.manifestMismatch))
    }

    @Test func `lying tensors are refused by name`() throws {
        let update = try quantize(Fixtures.delta(0.1)).update
        let unknown = changed(update) {
            .init(name: $0.name + "x", shape: $0.shape, weight: $0.weight, words: $0.words)
        }
        let limits = manifest.manifest
        #expect(throws: RejectReason.updateUnknownTensor) {
            try UpdateInspector.check(unknown, manifest: limits, layout: Fixtures.layout)
        }
        let flat = changed(update) {
            .init(
                name: $0.name, shape: Shape([$0.words.count, 1]), weight: $0.weight,
                words: $0.words)
        }
        #expect(throws: RejectReason.updateShapeMismatch) {
            try UpdateInspector.check(flat, manifest: limits, layout: Fixtures.layout)
        }
        for examples in [0, 65, 1 << 31] {
            let weightless = changed(update, examples: examples) { $0 }
            #expect(throws: RejectReason.updateWeightInvalid) {
                try UpdateInspector.check(weightless, manifest: limits, layout: Fixtures.layout)
            }
        }
        let loud = changed(update) {
            .init(
                name: $0.name, shape: $0.shape, weight: $0.weight,
                words: $0.words.map { _ in 0x8000_0000 })
        }
        #expect(throws: RejectReason.updateRingOverflow) {
            try UpdateInspector.check(loud, manifest: limits, layout: Fixtures.layout)
        }
        let long = changed(update) {
            // 0.9 of the clip in every element: inside the ring's bound, beyond the norm's.
            .init(
                name: $0.name, shape: $0.shape, weight: $0.weight,
                words: $0.words.map { _ in UInt32(0.9 * 8 / 64 * 4_194_304) })
        }
        #expect(throws: RejectReason.updateNormExceeded) {
            try UpdateInspector.check(long, manifest: limits, layout: Fixtures.layout)
        }
    }

    @Test func `a delta that is not finite is refused by its own node`() throws {
        for value in [Float.nan, .infinity, -.infinity] {
            #expect(throws: RejectReason.updateNonFinite) { try quantize(Fixtures.delta(value)) }
        }
        #expect(throws: RejectReason.updateWeightInvalid) {
            try quantize(Fixtures.delta(0), examples: 0)
        }
    }

    @Test(arguments: [Float(0), 0.001, 0.2, 1, 1000, 3e38])
    func `whatever a delta is the quantised update passes the inspector`(value: Float) throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let quantized = try quantize(
                Fixtures.delta(value), examples: Int(seed % 8) + 1, seed: seed)
            #expect(quantized.isScaledToBound == (quantized.norm > 1))
            let bytes = AdapterUpdateCodec.encode(quantized.update)
            #expect(check(bytes) == .success(quantized.update.summary(bytes: bytes)))
        }
    }

    @Test func `stochastic rounding has the right mean`() throws {
        // 0.3 of a ring step at full weight.
        let value = Float(0.3 * 0x1p-22)
        var sum = 0.0
        for seed in 0..<400 as Range<UInt64> {
            let update = try quantize(Fixtures.delta(value), examples: 64, seed: seed).update
            sum += update.tensors.flatMap(\.words).reduce(0) { $0 + Double(Int32(bitPattern: $1)) }
        }
        let mean = sum / Double(400 * Fixtures.layout.elementCount)
        #expect(abs(mean - 0.3) < 0.03)
    }

    @Test func `adapter bytes are read back and others are refused`() throws {
        let bytes = AdapterStateCodec.encode(Fixtures.adapter)
        #expect(try AdapterStateCodec.decode(bytes, layout: Fixtures.layout) == Fixtures.adapter)
        for count in 0..<bytes.count {
            #expect(throws: CanonicalError.self) {
                try AdapterStateCodec.decode(Array(bytes.prefix(count)))
            }
        }
        let other = AdapterLayout(of: NamedTensors())
        #expect(throws: CanonicalError.malformed(offset: 0)) {
            try AdapterStateCodec.decode(bytes, layout: other)
        }
        var notFinite = bytes
        notFinite.replaceSubrange((bytes.count - 4)..., with: [0, 0, 0xC0, 0x7F])
        #expect(throws: CanonicalError.self) { try AdapterStateCodec.decode(notFinite) }
    }

    @Test func `the adapter of a state is read without its momentum`() throws {
        let momentum = NamedTensors(
            Fixtures.adapter.elements.map { element in
                var tensor = element.tensor
                tensor.values = tensor.values.map { 3 * $0 + 1 }
                return .init(name: element.name, tensor: tensor)
            })
        let state = ConsensusState(adapter: Fixtures.adapter, momentum: momentum)
        let bytes = AdapterStateCodec.encode(state.tensors)
        #expect(try AdapterStateCodec.decodeAdapter(bytes) == Fixtures.adapter)
        #expect(try AdapterStateCodec.decode(bytes) == state.tensors)
        let alone = AdapterStateCodec.encode(Fixtures.adapter)
        #expect(try AdapterStateCodec.decodeAdapter(alone) == Fixtures.adapter)
        for count in 0..<bytes.count {
            #expect(throws: CanonicalError.self) {
                try AdapterStateCodec.decodeAdapter(Array(bytes.prefix(count)))
            }
        }
    }
}
