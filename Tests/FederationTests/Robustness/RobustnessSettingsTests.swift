import Cryptography
import Testing

@testable import Federation

/// The manifest's rule against liars: its bytes, its ranges and what it goes with.
@Suite struct RobustnessSettingsTests {
    typealias Settings = Manifest.RobustnessSettings

    private func refusal(_ make: () throws -> Void) -> ManifestError? {
        do {
            try make()
            return nil
        } catch {
            return error as? ManifestError
        }
    }

    @Test func `canonical bytes are read back to the same settings`() throws {
        var digests: Set<Digest> = []
        for rule in RobustMeanTests.rules {
            for mixing in Settings.Mixing.allCases {
                let settings = Settings(
                    rule: rule, liarCount: 2, clipRadius: 0.5, mixing: mixing)
                let fixture = try AggregatorFixture(
                    FactorMean.name, quorum: settings.participantMinimum
                ) { $0.robustness = settings }
                let manifest = fixture.manifest.manifest
                #expect(manifest.version == Manifest.robustnessVersion)
                let read = try Manifest(canonicalBytes: manifest.canonicalBytes)
                #expect(read == manifest)
                #expect(read.aggregation.robustness == settings)
                digests.insert(manifest.digest)
            }
        }
        #expect(digests.count == 18)
    }

    @Test func `no byte of the settings can change unseen`() throws {
        let fixture = try AggregatorFixture(FactorMean.name, quorum: 5) {
            $0.robustness = Settings(rule: .median)
        }
        let bytes = fixture.manifest.manifest.canonicalBytes
        // Has settings, rule, liars, radius, mixing.
        for place in bytes.indices.suffix(15) {
            for bit in 0..<8 {
                var changed = bytes
                changed[place] ^= 1 << bit
                if let read = try? Manifest(canonicalBytes: changed) {
                    #expect(read.canonicalBytes == changed)
                    #expect(read.digest != fixture.manifest.digest)
                }
            }
        }
    }

    @Test func `fields out of range are named`() {
        func field(_ settings: Settings, quorum: Int = 5) -> ManifestError.Field? {
            let found = refusal {
                _ = try AggregatorFixture(FactorMean.name, normBound: 3, quorum: quorum) {
                    $0.robustness = settings
                }
            }
            guard case .outOfRange(let field, _, _) = found else { return nil }
            return field
        }
        #expect(field(Settings(rule: .median)) == nil)
        #expect(field(Settings(rule: .median, liarCount: 0)) == .liarCount)
        #expect(field(Settings(rule: .median, liarCount: 32), quorum: 64) == .liarCount)
        #expect(field(Settings(rule: .centeredClipping, clipRadius: -1)) == .clipRadius)
        #expect(field(Settings(rule: .centeredClipping, clipRadius: 3.5)) == .clipRadius)
        #expect(field(Settings(rule: .centeredClipping, clipRadius: .nan)) == .clipRadius)
        #expect(field(Settings(rule: .centeredClipping, clipRadius: 3)) == nil)
        // 2 f + 1, for Krum 2 f + 3, and with buckets as many of two each less one.
        #expect(field(Settings(rule: .median, liarCount: 2), quorum: 4) == .quorumMinimum)
        #expect(field(Settings(rule: .median, liarCount: 2), quorum: 5) == nil)
        #expect(field(Settings(rule: .krum, liarCount: 2), quorum: 6) == .quorumMinimum)
        #expect(field(Settings(rule: .krum, liarCount: 2), quorum: 7) == nil)
        let mixed = Settings(rule: .trimmedMean, liarCount: 2, mixing: .buckets)
        #expect(field(mixed, quorum: 8) == .quorumMinimum)
        #expect(field(mixed, quorum: 9) == nil)
    }

    @Test func `what a rule cannot go with is refused with the reason`() throws {
        let settings = Settings(rule: .median)
        func text(_ make: () throws -> Void) -> String {
            guard case .ruleNeeds(let text) = refusal(make) else { return "" }
            return text
        }
        for name in [SpectralMean.name, NormWeightedMean.name] {
            let reason = text {
                _ = try AggregatorFixture(name, quorum: 3) { $0.robustness = settings }
            }
            #expect(reason.contains(name) && reason.contains("factor-mean, ffa, rolora"))
        }
        #expect(
            text {
                _ = try AggregatorFixture(FactorMean.name, quorum: 3) {
                    $0.robustness = settings
                    $0.normalizesSteps = true
                }
            }.contains("FedNova"))
        #expect(
            text {
                _ = try AggregatorFixture(FactorMean.name, quorum: 3) {
                    $0.robustness = Settings(rule: .selfCenteredClipping)
                }
            }.contains("gossip"))
        #expect(
            text { _ = try GossipFixture(FactorMean.name, robustness: settings) }
                .contains("self-centered clipping"))
        #expect(
            text {
                _ = try GossipFixture(
                    FactorMean.name,
                    robustness: Settings(rule: .selfCenteredClipping, mixing: .buckets))
            }.contains("no mixing"))
        #expect(
            text {
                _ = try GossipFixture(
                    SpectralMean.name, robustness: Settings(rule: .selfCenteredClipping))
            }.contains("spectral"))
        let plain = try AggregatorFixture(FactorMean.name, quorum: 3) {
            $0.robustness = settings
        }.manifest.manifest
        func changed(
            read: Manifest.READSettings? = nil, secure: Manifest.SecureSettings? = nil
        ) throws {
            _ = try Manifest(
                name: plain.name, baseModelDigest: plain.baseModelDigest,
                baseModelName: plain.baseModelName, tokenizerDigest: plain.tokenizerDigest,
                initialAdapterDigest: plain.initialAdapterDigest, adapter: plain.adapter,
                training: plain.training, ring: plain.ring, normBound: plain.normBound,
                membership: plain.membership, updateByteCountMax: plain.updateByteCountMax,
                author: plain.author, createdAtSeconds: plain.createdAtSeconds,
                aggregation: plain.aggregation, read: read, secure: secure)
        }
        #expect(text { try changed(read: .init()) }.contains("READ"))
        #expect(
            text { try changed(secure: .init(memberMinimum: 3)) }
                .contains("a rule can only be one across groups"))
    }
}
