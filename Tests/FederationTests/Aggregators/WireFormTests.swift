import Cryptography
import Tensors
import Testing

@testable import Federation

struct WireFormTests {
    private func check(
        _ bytes: [UInt8], _ fixture: AggregatorFixture, member: UInt8 = 2
    ) -> RejectReason? {
        let verdict = UpdateInspector.check(
            bytes, manifest: fixture.manifest, layout: fixture.layout, round: 1,
            base: Fixtures.digest("base"), member: Fixtures.key(member).publicKey)
        guard case .failure(let reason) = verdict else { return nil }
        return reason
    }

    private func changed(
        _ update: AdapterUpdate, steps: Int? = nil,
        _ change: (AdapterUpdate.RingTensor) -> AdapterUpdate.RingTensor?
    ) -> AdapterUpdate {
        AdapterUpdate(
            manifestDigest: update.manifestDigest, round: update.round,
            baseAdapterDigest: update.baseAdapterDigest, member: update.member,
            exampleCount: update.exampleCount, stepCount: steps ?? update.stepCount,
            tensors: update.tensors.compactMap(change))
    }

    @Test(arguments: WireForm.allCases, [1, 3, 8])
    func `an update with its directions is read back and passes the inspector`(
        form: WireForm, rank: Int
    ) throws {
        let fixture = try AggregatorFixture("spectral", form: form)
        let update = try fixture.update(fixture.delta(seed: 1), member: 2, rank: rank)
        let bytes = AdapterUpdateCodec.encode(update)
        let limit = fixture.manifest.manifest.updateByteCountMax
        #expect(try AdapterUpdateCodec.decode(bytes, byteCountMax: limit) == update)
        #expect(check(bytes, fixture) == nil)
        #expect(update.tensors[0].words.count == rank * 10)
        #expect(update.tensors[1].words.count == rank * 6)
    }

    @Test(arguments: [WireForm.int8, .int4])
    func `no element is further off than half its direction's step`(form: WireForm) throws {
        let fixture = try AggregatorFixture("spectral", form: form)
        let delta = fixture.delta(seed: 1)
        let update = try fixture.update(delta, member: 2)
        let sent = HeldUpdates.deltas(of: update, manifest: fixture.manifest.manifest)
        let magnitudeMax = try #require(form.magnitudeMax)
        var worst = 0.0
        for tensor in update.tensors {
            let values = try #require(delta[tensor.name]).values.map(Double.init)
            let decoded = try #require(sent[tensor.name])
            var greatest = [Double](repeating: 0, count: tensor.held.heldCount)
            tensor.held.forEach { _, whole, slice in
                greatest[slice] = max(greatest[slice], abs(values[whole]))
            }
            tensor.held.forEach { held, whole, slice in
                // A step is rounded up to the ring, so a little more than half of max / 127 or 7.
                let bound = greatest[slice] / Double(magnitudeMax) / 2 * 1.001 + 0x1p-22
                let error = abs(decoded[held] - values[whole])
                #expect(error <= bound)
                worst = max(worst, error / bound)
            }
        }
        #expect(worst > 0.5)
    }

    @Test func `short forms are short`() throws {
        let sizes = try WireForm.allCases.map { form in
            let fixture = try AggregatorFixture("spectral", form: form, output: 60, input: 100)
            let bytes = AdapterUpdateCodec.encode(
                try fixture.update(fixture.delta(seed: 1, scale: 0.1), member: 2))
            // The limit counts a mask for each pair, which whole tensors do without.
            #expect(bytes.count == fixture.manifest.manifest.updateByteCountMax - 4)
            return bytes.count
        }
        #expect(sizes[1] * 3 < sizes[0])
        #expect(sizes[2] * 3 < sizes[1] * 2)
    }

    @Test func `what rounding keeps back goes with the next update`() throws {
        let fixture = try AggregatorFixture("factor-mean", form: .int4)
        let delta = fixture.delta(seed: 1)
        let key = Fixtures.key(2).publicKey
        var feedback = ErrorFeedback(layout: fixture.layout)
        var generator = SplitMix64(seed: 1)
        var total = [Double](repeating: 0, count: 80)
        let selection = fixture.round().select(
            member: key, capacity: TrainingCapacity(rank: 8))
        for _ in 0..<40 {
            let update = try UpdateQuantizer(manifest: fixture.manifest).quantize(
                .init(delta: delta, selection: selection, exampleCount: 64, stepCount: 8),
                round: 1, base: Fixtures.digest("base"), member: key, feedback: &feedback,
                using: &generator
            ).update
            let sent = HeldUpdates.deltas(of: update, manifest: fixture.manifest.manifest)
            total = sum(
                [total, try #require(sent[AggregatorFixture.first])], weights: [1, 1])
        }
        // The sum of forty is off by one rounding, not by forty.
        let wanted = delta.elements[0].tensor.values.map { 40 * Double($0) }
        let step = 0.25 / 7
        #expect(distance(total, wanted) < step)
        let owed = feedback.residual.elements[0].tensor.values.map(Double.init)
        #expect(distance(sum([total, owed], weights: [1, 1]), wanted) < 1e-4)
    }

    @Test func `a short form of a long delta stays within the norm bound`() throws {
        for form in WireForm.allCases {
            let fixture = try AggregatorFixture("spectral", form: form, normBound: 0.01)
            for seed in 1...30 as ClosedRange<UInt64> {
                let update = try fixture.update(
                    fixture.delta(seed: seed, scale: 4), member: 2, rank: Int(seed % 8) + 1,
                    examples: Int(seed % 64) + 1)
                #expect(check(AdapterUpdateCodec.encode(update), fixture) == nil)
            }
        }
    }

    @Test(arguments: WireForm.allCases)
    func `cut, lengthened and changed bytes never trap`(form: WireForm) throws {
        let fixture = try AggregatorFixture("spectral", form: form, rank: 3, output: 3, input: 3)
        let bytes = AdapterUpdateCodec.encode(
            try fixture.update(fixture.delta(seed: 1), member: 2, rank: 2))
        for count in 0..<bytes.count {
            #expect(check(Array(bytes.prefix(count)), fixture) == .malformed)
        }
        #expect(check(bytes + [0], fixture) != nil)
        for index in bytes.indices {
            for change in [0x01, 0x80, 0xFF] as [UInt8] {
                var changed = bytes
                changed[index] ^= change
                let read = try? AdapterUpdateCodec.decode(changed, byteCountMax: changed.count)
                // Equal meanings have equal bytes.
                if let read { #expect(AdapterUpdateCodec.encode(read) == changed) }
                _ = check(changed, fixture)
            }
        }
    }

    @Test func `directions that the round does not give the member are refused`() throws {
        let fixture = try AggregatorFixture("spectral")
        let update = try fixture.update(fixture.delta(seed: 1), member: 2, rank: 3)
        func refused(_ update: AdapterUpdate) -> RejectReason? {
            check(AdapterUpdateCodec.encode(update), fixture)
        }
        #expect(refused(update) == nil)
        let drawn = try #require(update.tensors[0].directions)
        let others = Array((0..<8).filter { !drawn.contains($0) }.prefix(3))
        func held(_ tensor: AdapterUpdate.RingTensor, _ directions: [Int]?, axis: Int?)
            -> AdapterUpdate.RingTensor
        {
            let held = HeldShape(shape: tensor.shape, axis: axis, directions: directions)
            return .init(
                name: tensor.name, held: held, weight: tensor.weight, form: .ring32, steps: [],
                words: [UInt32](repeating: 1, count: held.elementCount))
        }
        let chosen = changed(update) { $0.axis == nil ? $0 : held($0, others, axis: $0.axis) }
        #expect(refused(chosen) == .updateDirectionsInvalid)
        // One half of a pair without the other, or with others.
        let half = changed(update) { $0.name == AggregatorFixture.first ? nil : $0 }
        #expect(refused(half) == .updateDirectionsInvalid)
        let uneven = changed(update) {
            $0.name == AggregatorFixture.first ? held($0, nil, axis: 0) : $0
        }
        #expect(refused(uneven) == .updateDirectionsInvalid)
        let unnamed = changed(update) {
            $0.name == AggregatorFixture.first ? held($0, nil, axis: nil) : $0
        }
        #expect(refused(unnamed) == .updateDirectionsInvalid)
        let heavy = changed(update) { tensor in
            guard tensor.name == AggregatorFixture.first else { return tensor }
            return .init(
                name: tensor.name, held: tensor.held, weight: 3, form: .ring32, steps: [],
                words: tensor.words.map { _ in 0 })
        }
        #expect(refused(heavy) == .updateDirectionsInvalid)
    }

    @Test func `steps and forms outside the manifest's are refused`() throws {
        let fixture = try AggregatorFixture("spectral", form: .int8)
        let update = try fixture.update(fixture.delta(seed: 1), member: 2)
        let long = AdapterUpdateCodec.encode(changed(update, steps: 9) { $0 })
        #expect(check(long, fixture) == .updateStepsInvalid)
        let other = try AggregatorFixture("spectral", form: .int4)
        let foreign = try other.update(other.delta(seed: 1), member: 2)
        #expect(throws: RejectReason.updateFormInvalid) {
            try UpdateInspector.check(
                foreign, manifest: fixture.manifest.manifest, layout: fixture.layout)
        }
        // The first layout under a manifest that knows directions, and the other way round.
        let first = changed(update, steps: 0) {
            .init(name: $0.name, shape: $0.shape, weight: $0.weight, words: $0.words)
        }
        #expect(throws: RejectReason.updateStepsInvalid) {
            try UpdateInspector.check(
                first, manifest: fixture.manifest.manifest, layout: fixture.layout)
        }
        #expect(throws: RejectReason.updateStepsInvalid) {
            try UpdateInspector.check(
                update, manifest: Fixtures.manifest(weightUnit: 64), layout: fixture.layout)
        }
        var generator = SplitMix64(seed: 1)
        for steps in [0, 9] {
            var feedback = ErrorFeedback(layout: fixture.layout)
            #expect(throws: RejectReason.updateStepsInvalid) {
                try UpdateQuantizer(manifest: fixture.manifest).quantize(
                    .init(
                        delta: fixture.delta(seed: 1), selection: TensorSelection(entries: []),
                        exampleCount: 1, stepCount: steps),
                    round: 1, base: Fixtures.digest("base"), member: Fixtures.key(2).publicKey,
                    feedback: &feedback, using: &generator)
            }
        }
    }

    @Test func `a tensor without elements is passed over, however great its other extents`() throws
    {
        let huge = Int(UInt32.max)
        for extents in [[0, huge, huge, huge], [huge, 0, huge, huge]] {
            let shape = try #require(Shape(checking: extents))
            for axis in [nil, extents.firstIndex(of: 0)] {
                HeldShape(shape: shape, axis: axis, directions: nil).forEach { _, _, _ in
                    Issue.record("an element of \(extents)")
                }
            }
        }
    }
}
