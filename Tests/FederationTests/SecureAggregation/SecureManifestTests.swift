import Cryptography
import Testing

@testable import Federation

@Suite struct SecureManifestTests {
    private func manifest(
        aggregator: String = FactorMean.name, form: WireForm = .ring32, minimum: Int? = 3,
        members: Int = 3, quorum: Int = 3, clip: Double = 1, weightUnit: Int = 64,
        _ change: (inout Manifest.AggregationSettings) -> Void = { _ in }
    ) throws -> Manifest {
        var settings = Manifest.AggregationSettings(aggregator: aggregator, wireForm: form)
        change(&settings)
        let plain = try Fixtures.manifest()
        return try Manifest(
            name: "secret", baseModelDigest: plain.baseModelDigest, baseModelName: "stub",
            tokenizerDigest: plain.tokenizerDigest,
            initialAdapterDigest: plain.initialAdapterDigest, adapter: plain.adapter,
            training: plain.training, ring: .init(clipMagnitude: clip, weightUnit: weightUnit),
            normBound: 1, membership: .init(startMemberCount: members, quorumMinimum: quorum),
            updateByteCountMax: 1 << 20, author: plain.author, createdAtSeconds: 1_700_000_000,
            aggregation: settings,
            secure: minimum.map(Manifest.SecureSettings.init(memberMinimum:)))
    }

    private func refusal(_ make: () throws -> Manifest) -> ManifestError? {
        do {
            _ = try make()
            return nil
        } catch {
            return error as? ManifestError
        }
    }

    @Test func `canonical bytes are read back to the same settings`() throws {
        for minimum in [3, 5, 64] {
            let secure = try manifest(minimum: minimum, members: 64, quorum: 64)
            #expect(secure.version == Manifest.secureVersion)
            let read = try Manifest(canonicalBytes: secure.canonicalBytes)
            #expect(read == secure)
            #expect(read.secure?.memberMinimum == minimum)
        }
        let digests = try [3, 4, nil].map {
            try manifest(minimum: $0, members: 4, quorum: 4).digest
        }
        #expect(Set(digests).count == 3)
    }

    @Test func `no byte of the settings can change unseen`() throws {
        let bytes = try manifest().canonicalBytes
        for place in bytes.indices.suffix(5) {
            for bit in 0..<8 {
                var changed = bytes
                changed[place] ^= 1 << bit
                if let read = try? Manifest(canonicalBytes: changed) {
                    #expect(read.canonicalBytes == changed)
                }
            }
        }
    }

    @Test func `without what is secure about it a manifest is the plain one`() throws {
        #expect(try manifest().openCounterpart == manifest(minimum: nil))
        #expect(try manifest().openCounterpart.digest == manifest(minimum: nil).digest)
        #expect(try manifest(minimum: nil).openCounterpart.digest == manifest(minimum: nil).digest)
    }

    @Test func `rules that look at single updates are refused with the reason`() throws {
        #expect(Manifest.secureAggregators == ["factor-mean", "ffa", "rolora"])
        for name in AggregatorRegistry.names {
            let found = refusal { try manifest(aggregator: name) }
            if Manifest.secureAggregators.contains(name) {
                #expect(found == nil)
            } else if case .secureNeeds(let text) = found {
                #expect(text.contains(name) && text.contains("factor-mean, ffa, rolora"))
            } else {
                Issue.record("\(name) gives \(String(describing: found))")
            }
        }
        for form in [WireForm.int8, .int4] {
            guard case .secureNeeds = refusal({ try manifest(form: form) }) else {
                Issue.record("\(form) is accepted")
                continue
            }
        }
        for change: (inout Manifest.AggregationSettings) -> Void in [
            { $0.normalizesSteps = true }, { $0.usesControlVariates = true },
        ] {
            let found = refusal {
                try manifest(FactorMean.name, change)
            }
            guard case .secureNeeds = found else {
                Issue.record("accepted")
                continue
            }
        }
    }

    private func manifest(
        _ name: String, _ change: (inout Manifest.AggregationSettings) -> Void
    ) throws -> Manifest {
        try manifest(aggregator: name, minimum: 3, change)
    }

    @Test func `thresholds outside their ranges are refused`() throws {
        func field(_ make: () throws -> Manifest) -> ManifestError.Field? {
            guard case .outOfRange(let field, _, _) = refusal(make) else { return nil }
            return field
        }
        #expect(field { try manifest(minimum: 2) } == .memberMinimum)
        #expect(field { try manifest(minimum: 65, members: 64, quorum: 64) } == .memberMinimum)
        #expect(field { try manifest(minimum: 5, members: 4, quorum: 1) } == .startMemberCount)
        #expect(field { try manifest(minimum: 3, members: 2, quorum: 2) } == .startMemberCount)
        #expect(field { try manifest(minimum: 5, members: 5, quorum: 1) } == nil)
        // A weight must fit where an element fits.
        #expect(field { try manifest(clip: 1e-6) } == .weightUnit)
        #expect(field { try manifest(minimum: nil, clip: 1e-6) } == nil)
        #expect(try manifest().secure?.allowsSmallGroups == true)
        #expect(try manifest(minimum: 5, members: 5, quorum: 5).secure?.allowsSmallGroups == false)
    }
}
