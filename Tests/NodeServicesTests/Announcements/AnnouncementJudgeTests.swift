import Cryptography
import Federation
import GossipLog
import LibP2P
import Testing

@testable import NodeServices

@Suite struct AnnouncementJudgeTests {
    /// A federation of members with seeded keys, of which the first is the author.
    struct Bench {
        let keys: [SigningKey]
        let manifest: SignedManifest
        var judge: AnnouncementJudge
        var number: UInt64 = 1_000
        var now = Duration.seconds(1)

        init(memberCount: Int = 2) throws {
            keys = try (1...4).map { number in
                try #require(SigningKey(seed: [UInt8](repeating: UInt8(number), count: 32)))
            }
            manifest = try SignedManifest(
                signing: try AnnouncementJudgeTests.manifest(author: keys[0].publicKey),
                with: keys[0])
            judge = AnnouncementJudge(
                manifest: manifest, chain: ChainState(genesis: manifest))
            for key in keys[..<memberCount] {
                judge.noteMember(key.publicKey, isMember: true)
            }
        }

        mutating func hear(
            _ content: FederationAnnouncement.Content, from index: Int = 1, number: UInt64? = nil
        ) -> Result<AnnouncementJudge.Finding, AnnouncementJudge.Refusal> {
            hear(
                FederationAnnouncement(federation: manifest.digest, content: content).bytes,
                from: index, number: number)
        }

        mutating func hear(
            _ data: [UInt8], from index: Int = 1, number: UInt64? = nil
        ) -> Result<AnnouncementJudge.Finding, AnnouncementJudge.Refusal> {
            self.number += 1
            return judge.judge(
                author: PeerID(publicKey: keys[index].publicKey),
                sequenceNumber: number ?? self.number, data: data, now: now)
        }

        func treeHead(of index: Int, size: UInt64, root: UInt8) throws -> [UInt8] {
            let signer = try NodeLog.signer(manifest: manifest, identity: keys[index])
            var tree = MerkleTree()
            for number in 0..<size { tree.append([root, UInt8(number)]) }
            return signer.treeHead(of: tree).bytes
        }
    }

    static func manifest(author: PublicKey) throws -> Manifest {
        let none = Hashing.blake2b256([])
        return try Manifest(
            name: "gossip", baseModelDigest: none, baseModelName: "none", tokenizerDigest: none,
            initialAdapterDigest: none,
            adapter: .init(rank: 4, alpha: 8, targets: ["q_proj"], initializationSeed: 1),
            training: .init(
                roundCount: 9, localStepCount: 4, batchSize: 2, sequenceLength: 8,
                learningRate: 1e-2),
            ring: .init(weightUnit: 64), normBound: 100,
            membership: .init(startMemberCount: 1, quorumMinimum: 1),
            updateByteCountMax: 1_000, author: author, createdAtSeconds: 0)
    }

    static let object = Hashing.blake2b256([7])

    private func refusal(
        _ result: Result<AnnouncementJudge.Finding, AnnouncementJudge.Refusal>
    ) -> AnnouncementJudge.Refusal? {
        if case .failure(let refusal) = result { refusal } else { nil }
    }

    @Test func `every kind comes back as it was and fits an announcement`() throws {
        let bench = try Bench()
        let contents: [FederationAnnouncement.Content] = [
            .update(round: 3, object: Self.object, byteCount: 900),
            .result(height: 5, round: 3, adapter: Self.object),
            .treeHead(try bench.treeHead(of: 0, size: 77, root: 1)),
            .membership(height: 2, member: bench.keys[2].publicKey, hasJoined: true),
            .membership(height: 9, member: bench.keys[2].publicKey, hasJoined: false),
        ]
        for content in contents {
            let announcement = FederationAnnouncement(
                federation: bench.manifest.digest, content: content)
            let bytes = announcement.bytes
            #expect(bytes.count <= 512)
            #expect(try FederationAnnouncement(bytes: bytes) == announcement)
            for count in 0..<bytes.count {
                #expect(throws: CanonicalError.self) {
                    try FederationAnnouncement(bytes: Array(bytes.prefix(count)))
                }
            }
            #expect(throws: CanonicalError.self) { try FederationAnnouncement(bytes: bytes + [0]) }
        }
        #expect(throws: CanonicalError.self) {
            try FederationAnnouncement(bytes: [UInt8](repeating: 0, count: 4_097))
        }
    }

    @Test func `what no honest peer hands on is rejected, the rest is ignored`() throws {
        var bench = try Bench()
        let good = FederationAnnouncement.Content.update(
            round: 1, object: Self.object, byteCount: 10)
        #expect(refusal(bench.hear(good)) == nil)
        #expect(refusal(bench.hear([1, 2, 3]))?.verdict == .reject)
        let foreign = FederationAnnouncement(federation: Self.object, content: good)
        #expect(refusal(bench.hear(foreign.bytes)) == .otherFederation)
        #expect(refusal(bench.hear(good, from: 3)) == .notAMember)
        #expect(AnnouncementJudge.Refusal.notAMember.verdict == .ignore)
        let large = FederationAnnouncement.Content.update(
            round: 1, object: Self.object, byteCount: 1_001)
        #expect(refusal(bench.hear(large)) == .updateTooLarge(byteCount: 1_001))
        for round in [UInt64(3), .max] {
            let early = FederationAnnouncement.Content.update(
                round: round, object: Self.object, byteCount: 10)
            let refusal = refusal(bench.hear(early))
            #expect(refusal == .outsideRound(round: round, completed: 0))
            #expect(refusal?.verdict == .ignore)
        }
        bench.judge.noteRound(4, height: 6, adapter: Self.object)
        for (round, isTaken) in [(UInt64(3), false), (4, true), (5, true), (6, true), (7, false)] {
            let content = FederationAnnouncement.Content.update(
                round: round, object: Self.object, byteCount: 10)
            #expect((refusal(bench.hear(content)) == nil) == isTaken, "round \(round)")
        }
    }

    @Test func `a number is taken once, late ones within the window, old ones never`() throws {
        var bench = try Bench()
        let content = FederationAnnouncement.Content.result(
            height: 1, round: 1, adapter: Self.object)
        #expect(refusal(bench.hear(content, number: 500)) == nil)
        #expect(refusal(bench.hear(content, number: 500)) == .replayed)
        #expect(refusal(bench.hear(content, number: 499)) == nil)
        #expect(refusal(bench.hear(content, number: 499)) == .replayed)
        #expect(refusal(bench.hear(content, number: 563)) == nil)
        #expect(refusal(bench.hear(content, number: 500)) == .replayed)
        #expect(refusal(bench.hear(content, number: 498)) == .replayed)
        #expect(refusal(bench.hear(content, number: 501)) == nil)
        // After a restart everything up to the greatest counts as taken.
        var again = try Bench()
        again.judge.restore(floors: bench.judge.floors, treeHeads: [:])
        #expect(refusal(again.hear(content, number: 562)) == .replayed)
        #expect(refusal(again.hear(content, number: 564)) == nil)
        // Another author has numbers of its own.
        #expect(refusal(again.hear(content, from: 0, number: 1)) == nil)
    }

    @Test func `replay windows never take a number twice`() {
        for seed in UInt64(1)...20 {
            var random = SeededGenerator(seed: seed)
            var window = ReplayWindow(first: 1_000)
            var taken: Set<UInt64> = [1_000]
            for _ in 0..<2_000 {
                let highest = window.highest
                let step = UInt64.random(in: 0...80, using: &random)
                let number = Bool.random(using: &random) ? highest + step : highest - step
                let isTaken = window.take(number)
                if isTaken { #expect(!taken.contains(number)) }
                if number > highest { #expect(isTaken) }
                if isTaken { taken.insert(number) }
            }
        }
        var last = ReplayWindow(first: .max)
        #expect(!last.take(.max) && last.take(.max - 1))
    }

    @Test func `an author that talks too much is not heard until time has passed`() throws {
        var bench = try Bench()
        let content = FederationAnnouncement.Content.membership(
            height: 1, member: bench.keys[2].publicKey, hasJoined: true)
        var takenCount = 0
        for _ in 0..<100 where refusal(bench.hear(content)) == nil { takenCount += 1 }
        #expect(takenCount == 32)
        #expect(refusal(bench.hear(content)) == .tooManyOfAuthor)
        #expect(AnnouncementJudge.Refusal.tooManyOfAuthor.verdict == .ignore)
        #expect(refusal(bench.hear(content, from: 0)) == nil)
        bench.now += .seconds(2)
        takenCount = 0
        for _ in 0..<100 where refusal(bench.hear(content)) == nil { takenCount += 1 }
        #expect(takenCount == 4)
    }

    @Test func `tree heads grow, and two of one size convict their log`() throws {
        var bench = try Bench()
        let first = try bench.treeHead(of: 1, size: 10, root: 1)
        #expect(refusal(bench.hear(.treeHead(first))) == nil)
        #expect(refusal(bench.hear(.treeHead(first))) == .treeHeadKnown)
        #expect(
            refusal(bench.hear(.treeHead(try bench.treeHead(of: 1, size: 9, root: 1))))
                == .treeHeadOld)
        let fork = try bench.treeHead(of: 1, size: 10, root: 2)
        let finding = try bench.hear(.treeHead(fork)).get()
        #expect(
            finding.contradiction
                == AnnouncementJudge.Contradiction(
                    author: bench.keys[1].publicKey, size: 10, first: first, second: fork))
        let later = try bench.treeHead(of: 1, size: 11, root: 3)
        #expect(try bench.hear(.treeHead(later)).get().contradiction == nil)
        // Of another member's log, or signed by another key.
        let other = refusal(bench.hear(.treeHead(try bench.treeHead(of: 0, size: 99, root: 1))))
        #expect(other?.verdict == .reject)
        #expect(bench.judge.treeHeads.mapValues(\.head.size) == [bench.keys[1].publicKey: 11])
    }

    @Test func `another adapter at a height that this node holds is told`() throws {
        var bench = try Bench()
        bench.judge.noteRound(1, height: 2, adapter: Self.object)
        let same = FederationAnnouncement.Content.result(
            height: 2, round: 1, adapter: Self.object)
        let other = FederationAnnouncement.Content.result(
            height: 2, round: 1, adapter: Hashing.blake2b256([8]))
        #expect(try bench.hear(same).get().differsAtHeight == nil)
        #expect(try bench.hear(other).get().differsAtHeight == 2)
        let ahead = FederationAnnouncement.Content.result(
            height: 3, round: 2, adapter: Hashing.blake2b256([8]))
        #expect(try bench.hear(ahead).get().differsAtHeight == nil)
    }
}
