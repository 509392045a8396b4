import Cryptography
import Testing

@testable import Federation

struct ManifestTests {
    @Test func `canonical bytes are read back to the same manifest`() throws {
        let manifest = try Fixtures.manifest()
        let read = try Manifest(canonicalBytes: manifest.canonicalBytes)
        #expect(read == manifest)
        #expect(read.canonicalBytes == manifest.canonicalBytes)
        #expect(read.digest == manifest.digest)
    }

    @Test func `the digest of a known manifest does not change`() throws {
        let digest = try Fixtures.manifest().digest
        #expect(digest.hexadecimal == ManifestTests.knownDigest)
    }

    static let knownDigest =
        "df82e1d0cade970f19e390fc4910dfafef84808111fbf08a832c25990a9b65fc"

    @Test func `every truncation and every appended byte is refused`() throws {
        let bytes = try Fixtures.manifest().canonicalBytes
        for count in 0..<bytes.count {
            #expect(throws: ManifestError.self) {
                try Manifest(canonicalBytes: Array(bytes.prefix(count)))
            }
        }
        #expect(throws: ManifestError.unreadable(.trailingBytes(count: 1))) {
            try Manifest(canonicalBytes: bytes + [0])
        }
    }

    @Test func `whatever a changed byte decodes to encodes to the same bytes again`() throws {
        let bytes = try Fixtures.manifest().canonicalBytes
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x41
            if let manifest = try? Manifest(canonicalBytes: changed) {
                #expect(manifest.canonicalBytes == changed)
                #expect(manifest != (try Fixtures.manifest()))
            }
        }
    }

    @Test func `values outside their ranges are refused by name`() throws {
        func field(_ make: () throws -> Manifest) -> ManifestError.Field? {
            do {
                _ = try make()
                return nil
            } catch ManifestError.outOfRange(let field, _, _) {
                return field
            } catch {
                return nil
            }
        }
        #expect(field { try Fixtures.manifest(name: "") } == .name)
        #expect(field { try Fixtures.manifest(rounds: 0) } == .roundCount)
        #expect(field { try Fixtures.manifest(members: 65) } == .startMemberCount)
        #expect(field { try Fixtures.manifest(members: 3, quorum: 4) } == .quorumMinimum)
        #expect(field { try Fixtures.manifest(rank: 0) } == .rank)
        #expect(field { try Fixtures.manifest(normBound: .nan) } == .normBound)
        #expect(field { try Fixtures.manifest(weightUnit: 48) } == .weightUnit)
        #expect(field { try Fixtures.manifest(weightUnit: 4) } == .weightUnit)
        #expect(field { try Fixtures.manifest(targets: ["q", "k"]) } == .targets)
        #expect(field { try Fixtures.manifest(targets: []) } == .targets)
        #expect(field { try Fixtures.manifest(clip: 9) } == .clipMagnitude)
    }

    @Test func `only the author's signature over these bytes is accepted`() throws {
        let manifest = try Fixtures.manifest()
        let signed = try SignedManifest(signing: manifest, with: Fixtures.key(1))
        #expect(try SignedManifest(bytes: signed.bytes) == signed)
        #expect(throws: ManifestError.signatureInvalid) {
            try SignedManifest(signing: manifest, with: Fixtures.key(2))
        }
        var bytes = signed.bytes
        bytes[bytes.count - 1] ^= 1
        #expect(throws: ManifestError.signatureInvalid) { try SignedManifest(bytes: bytes) }
        #expect(throws: ManifestError.self) { try SignedManifest(bytes: []) }
    }

    @Test func `a joiner reads the manifest from the answer to its request`() throws {
        let signed = try Fixtures.signedManifest()
        let answer = ManifestExchange.reply(with: signed)
        #expect(try ManifestExchange.signedManifest(in: answer) == signed)
        #expect(try ManifestExchange.signedManifest(in: ManifestExchange.request) == nil)
        #expect(try ManifestExchange.signedManifest(in: [1, 2, 3]) == nil)
    }
}

struct ExchangeSettingsTests {
    @Test func `a manifest that gossips is read back and has a version of its own`() throws {
        let manifest = try GossipFixture().manifest.manifest
        #expect(manifest.version == 3)
        let read = try Manifest(canonicalBytes: manifest.canonicalBytes)
        #expect(read == manifest)
        #expect(read.exchange == .gossip)
        var bytes = manifest.canonicalBytes
        bytes.removeLast()
        #expect(throws: ManifestError.self) { try Manifest(canonicalBytes: bytes) }
    }

    @Test func `manifests of one group keep the bytes that they had`() throws {
        #expect(try Fixtures.manifest().version == 1)
        let spectral = try AggregatorFixture("spectral").manifest.manifest
        #expect(spectral.version == 2)
        #expect(spectral.exchange == .group)
        #expect(try Manifest(canonicalBytes: spectral.canonicalBytes) == spectral)
    }

    @Test func `exchange settings outside their ranges are refused by name`() {
        func field(_ change: (inout Manifest.ExchangeSettings) -> Void) -> ManifestError.Field? {
            var exchange = Manifest.ExchangeSettings.gossip
            change(&exchange)
            do {
                _ = try GossipFixture(exchange: exchange)
                return nil
            } catch ManifestError.outOfRange(let field, _, _) {
                return field
            } catch {
                return nil
            }
        }
        #expect(field { $0.groupMemberCountMax = 1 } == .groupMemberCountMax)
        #expect(field { $0.groupMemberCountMax = 17 } == .groupMemberCountMax)
        #expect(field { $0.fanOut = 0 } == .fanOut)
        #expect(field { $0.fanOut = 16 } == .fanOut)
        #expect(field { $0.stalenessHalfLife = 0 } == .stalenessHalfLife)
        #expect(field { $0.settlingRoundCount = 65 } == .settlingRoundCount)
    }

    @Test(arguments: [AlternatingMean.name, NormWeightedMean.name])
    func `rules that need one consensus are refused for gossip`(aggregator: String) {
        #expect(throws: ManifestError.aggregatorNeedsGroup(aggregator)) {
            try GossipFixture(aggregator)
        }
    }
}
