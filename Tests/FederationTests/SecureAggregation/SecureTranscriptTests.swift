import Cryptography
import Testing

@testable import Federation

/// What a member keeps of a secure round, opened again by somebody who was not there.
@Suite struct SecureTranscriptTests {
    /// A round of five members of which one stops before it masks.
    private static func network(dropping dropped: Int? = 4) throws -> SecureNetwork {
        var network = try SecureNetwork(
            count: 5, elements: 9000, minimum: 3, seed: 5, manifest: Self.manifest().digest)
        network.stops = { node, kind, _ in node == dropped && kind == 8 }
        network.startAll()
        network.run()
        return network
    }

    private static func manifest() throws -> SignedManifest {
        let plain = try Fixtures.manifest()
        let settings = Manifest.AggregationSettings(aggregator: "factor-mean", wireForm: .ring32)
        return try SignedManifest(
            signing: Manifest(
                name: "secret", baseModelDigest: plain.baseModelDigest, baseModelName: "stub",
                tokenizerDigest: plain.tokenizerDigest,
                initialAdapterDigest: plain.initialAdapterDigest, adapter: plain.adapter,
                training: plain.training, ring: .init(clipMagnitude: 1, weightUnit: 64),
                normBound: 1, membership: .init(startMemberCount: 3, quorumMinimum: 3),
                updateByteCountMax: 1 << 20, author: Fixtures.key(1).publicKey,
                createdAtSeconds: 1_700_000_000, aggregation: settings,
                secure: .init(memberMinimum: 3)), with: Fixtures.key(1))
    }

    @Test(arguments: [nil, 0, 4])
    func `a transcript opens to the sum that the members opened`(dropped: Int?) throws {
        let network = try Self.network(dropping: dropped)
        let manifest = try Self.manifest()
        var count = 0
        for node in network.nodes {
            guard let transcript = node.transcript, let opened = node.opened else { continue }
            let read = try SecureTranscript(bytes: transcript.bytes)
            #expect(read == transcript)
            #expect(try read.open(manifest: manifest, round: 7) == opened)
            count += 1
        }
        #expect(count >= 4)
    }

    @Test func `a transcript of another federation, round or network key does not open`() throws {
        let network = try Self.network()
        let transcript = try #require(network.nodes[0].transcript)
        #expect(throws: SecureTranscript.Failure.roster) {
            try transcript.open(manifest: Self.manifest(), round: 8)
        }
        #expect(throws: SecureTranscript.Failure.roster) {
            try transcript.open(
                manifest: SignedManifest(signing: Fixtures.manifest(), with: Fixtures.key(1)),
                round: 7)
        }
        #expect(throws: SecureTranscript.Failure.certificate) {
            try transcript.open(
                manifest: Self.manifest(), round: 7,
                networkKey: SecretBytes(copying: [UInt8](repeating: 3, count: 32)))
        }
    }

    @Test func `a changed byte anywhere is found, and the part that it is in is named`() throws {
        let network = try Self.network()
        let manifest = try Self.manifest()
        let transcript = try #require(network.nodes[1].transcript)
        let bytes = transcript.bytes
        let wordStart = bytes.count - 4 * transcript.words.count
        var draws = TestGenerator(state: 3)
        var found: [String: Int] = [:]
        // Every sixth byte of the frames, some of the words.
        let places =
            Array(stride(from: 26, to: wordStart, by: 6))
            + (0..<60).map { _ in Int.random(in: wordStart..<bytes.count, using: &draws) }
        for place in places {
            var changed = bytes
            changed[place] ^= UInt8(1 << Int.random(in: 0..<8, using: &draws))
            do throws(SecureTranscript.Failure) {
                _ = try SecureTranscript(bytes: changed).open(manifest: manifest, round: 7)
                Issue.record("byte \(place) of \(bytes.count)")
            } catch {
                if place >= wordStart {
                    let word = (place - wordStart) / 4
                    #expect(error == .shard(word / 4096))
                }
                found["\(error)".prefix { $0 != "(" }.description, default: 0] += 1
            }
        }
        for name in ["malformed", "roster", "join", "certificate", "shard", "deal", "reveal"] {
            #expect(found[name, default: 0] > 0, "\(found)")
        }
    }

    @Test func `a share that its sender signed but the dealer did not deal is named`() throws {
        let network = try Self.network(dropping: nil)
        let transcript = try #require(network.nodes[0].transcript)
        // The sender signs another share for one of the members.
        let reveal = try #require(transcript.reveals.last)
        let body = try SecureReveal(reveal)
        var shares = body.shares
        var share = shares[2].share
        share[0] ^= 1
        shares[2] = .init(member: shares[2].member, share: share)
        let signer = try #require(
            network.nodes.indices.first { $0 == reveal.sender - 1 }.map { network.nodes[$0].key })
        let forged = SecureFrame(
            .reveal, group: reveal.group, sender: reveal.sender, view: reveal.view,
            body: SecureReveal(
                commit: body.commit, signatures: body.signatures, shares: shares
            ).bytes, signer: signer)
        let changed = SecureTranscript(
            roster: transcript.roster, joins: transcript.joins, deals: transcript.deals,
            reveals: transcript.reveals.dropLast() + [forged],
            sumDigests: transcript.sumDigests, words: transcript.words)
        #expect(throws: SecureTranscript.Failure.secret(3)) {
            try changed.open(manifest: Self.manifest(), round: 7)
        }
    }

    @Test func `bytes cut short are refused`() throws {
        let bytes = try #require(Self.network().nodes[0].transcript).bytes
        for count in stride(from: 0, to: bytes.count, by: 997) {
            #expect(throws: SecureTranscript.Failure.malformed) {
                try SecureTranscript(bytes: Array(bytes.prefix(count)))
            }
        }
        #expect(throws: SecureTranscript.Failure.malformed) {
            try SecureTranscript(bytes: bytes + [0])
        }
    }
}
