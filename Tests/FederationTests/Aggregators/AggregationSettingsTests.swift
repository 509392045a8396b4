import Cryptography
import Testing

@testable import Federation

struct AggregationSettingsTests {
    private func manifest(
        _ settings: Manifest.AggregationSettings
    ) throws -> Manifest {
        let plain = try Fixtures.manifest()
        return try Manifest(
            name: plain.name, baseModelDigest: plain.baseModelDigest,
            baseModelName: plain.baseModelName, tokenizerDigest: plain.tokenizerDigest,
            initialAdapterDigest: plain.initialAdapterDigest, adapter: plain.adapter,
            training: plain.training, ring: plain.ring, normBound: plain.normBound,
            membership: plain.membership, updateByteCountMax: plain.updateByteCountMax,
            author: plain.author, createdAtSeconds: plain.createdAtSeconds, aggregation: settings)
    }

    @Test func `settings that version 1 does not know make version 2`() throws {
        #expect(try Fixtures.manifest().version == 1)
        for name in AggregatorRegistry.names {
            for form in WireForm.allCases {
                let settings = Manifest.AggregationSettings(
                    aggregator: name, wireForm: form, outerLearningRate: 0.7, outerMomentum: 0.9,
                    proximalStrength: 0.01, normalizesSteps: true, usesControlVariates: true)
                let made = try manifest(settings)
                #expect(made.version == 2)
                let read = try Manifest(canonicalBytes: made.canonicalBytes)
                #expect(read == made)
                #expect(read.aggregation == settings)
                #expect(read.digest != (try Fixtures.manifest().digest))
            }
        }
    }

    @Test func `bytes of version 2 are refused unless they are the only ones`() throws {
        let bytes = try manifest(.spectral).canonicalBytes
        for count in 0..<bytes.count {
            #expect(throws: ManifestError.self) {
                try Manifest(canonicalBytes: Array(bytes.prefix(count)))
            }
        }
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x41
            if let read = try? Manifest(canonicalBytes: changed) {
                #expect(read.canonicalBytes == changed)
            }
        }
        // The settings of version 1, spelt out in version 2.
        var writer = CanonicalWriter()
        Manifest.AggregationSettings.factorMean.write(to: &writer)
        Manifest.READSettings.write(nil, to: &writer)
        var plain = try Fixtures.manifest().canonicalBytes + writer.bytes
        let version = Manifest.domain.description.utf8.count + 2
        plain[version] = 2
        #expect(throws: ManifestError.notCanonical) { try Manifest(canonicalBytes: plain) }
        plain[version] = UInt8(Manifest.currentVersion + 1)
        #expect(throws: ManifestError.unknownVersion(Manifest.currentVersion + 1)) {
            try Manifest(canonicalBytes: plain)
        }
    }

    @Test func `unknown names and values outside their ranges are refused`() throws {
        #expect(throws: ManifestError.unknownAggregator("median")) {
            try manifest(.init(aggregator: "median"))
        }
        func field(_ change: (inout Manifest.AggregationSettings) -> Void) -> ManifestError.Field? {
            var settings = Manifest.AggregationSettings.spectral
            change(&settings)
            do {
                _ = try manifest(settings)
                return nil
            } catch ManifestError.outOfRange(let field, _, _) {
                return field
            } catch {
                return nil
            }
        }
        for value in [0, -1, 2.1, .nan, .infinity] {
            #expect(field { $0.outerLearningRate = value } == .outerLearningRate)
        }
        for value in [-0.1, 1, .nan] {
            #expect(field { $0.outerMomentum = value } == .outerMomentum)
        }
        for value in [-0.1, 101, .nan] {
            #expect(field { $0.proximalStrength = value } == .proximalStrength)
        }
        #expect(field { $0.outerMomentum = 0.99 } == nil)
    }

    @Test func `a manifest of version 1 has every member send whole tensors`() throws {
        let manifest = try Fixtures.signedManifest()
        let round = AggregationRound(manifest: manifest, layout: Fixtures.layout, round: 1)
        let selection = round.select(
            member: Fixtures.key(2).publicKey, capacity: TrainingCapacity(rank: 0, heldNames: []))
        #expect(selection.entries.map(\.name) == ["a", "b"])
        #expect(selection.entries.allSatisfy { $0.directions == nil })
        #expect(round.makeAggregator() is FactorMean)
        #expect(try round.begin(Fixtures.adapter, selection: selection) == Fixtures.adapter)
    }
}
