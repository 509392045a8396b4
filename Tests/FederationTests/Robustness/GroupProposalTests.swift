import Cryptography
import Testing

@testable import Federation

/// How members are drawn into groups, and what entries may say of rounds of groups.
@Suite struct GroupProposalTests {
    private static let keys = (1...13).map { Fixtures.key(UInt8($0)) }
        .sorted { $0.publicKey < $1.publicKey }
    private static let members = keys.map(\.publicKey)

    @Test(arguments: [3, 4, 5, 12, 13, 30, 64])
    func `a draw puts every member into one group of at least the size`(count: Int) {
        let members = (1...count).map { Fixtures.key(UInt8($0)).publicKey }.sorted()
        let draw = SecureGroupDraw(beacon: Fixtures.digest("head"), round: 3, memberCountMin: 4)
        let groups = draw.groups(of: members)
        #expect(groups.flatMap { $0 }.sorted() == members)
        #expect(groups.count == max(1, count / 4))
        let sizes = groups.map(\.count)
        #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
        #expect(sizes.allSatisfy { $0 >= min(4, count) })
        for group in groups { #expect(ChainState.isAscending(group)) }
        #expect(draw.groups(of: members.reversed()) == groups)
        guard groups.count > 1 else { return }
        for (beacon, round) in [("other", UInt64(3)), ("head", 4)] {
            let other = SecureGroupDraw(
                beacon: Fixtures.digest(beacon), round: round, memberCountMin: 4)
            #expect(other.groups(of: members) != groups)
        }
    }

    /// Thirteen members before round 1, in three groups of four or five.
    private func chain() throws -> ChainState {
        let plain = try Fixtures.manifest()
        let manifest = try Manifest(
            name: "groups", baseModelDigest: plain.baseModelDigest, baseModelName: "stub",
            tokenizerDigest: plain.tokenizerDigest,
            initialAdapterDigest: plain.initialAdapterDigest, adapter: plain.adapter,
            training: plain.training, ring: plain.ring, normBound: 1,
            membership: .init(startMemberCount: 12, quorumMinimum: 1),
            updateByteCountMax: 1 << 20, author: Fixtures.key(1).publicKey,
            createdAtSeconds: 1_700_000_000,
            aggregation: .init(
                aggregator: FactorMean.name, wireForm: .ring32,
                robustness: .init(rule: .centeredClipping, groupMemberCount: 4)),
            secure: .init(memberMinimum: 3))
        var chain = ChainState(
            genesis: try SignedManifest(signing: manifest, with: Fixtures.key(1)))
        chain.members = Self.members
        for member in Self.members { chain.memberSince[member] = 0 }
        return chain
    }

    private func announcement(
        _ chain: ChainState, _ member: PublicKey, _ object: String, bytes: Int = 100
    ) throws -> SignedAnnouncement {
        let key = try #require(Self.keys.first { $0.publicKey == member })
        return SignedAnnouncement(
            manifest: chain.manifestDigest,
            summary: UpdateSummary(
                objectID: Fixtures.digest(object), member: member, round: 1,
                baseAdapterDigest: chain.adapterDigest, exampleCount: 1, byteCount: bytes),
            signer: key)
    }

    /// So many members of each group announce its sum.
    private func announcements(
        _ chain: ChainState, counts: [Int]
    ) throws -> [SignedAnnouncement] {
        let groups = try #require(chain.secureGroups)
        return try groups.enumerated().flatMap { index, group in
            try group.prefix(counts[index]).map {
                try announcement(chain, $0, "sum \(index)")
            }
        }.sorted { $0.summary.member < $1.summary.member }
    }

    private func refusal(
        _ chain: ChainState, _ participants: [SignedAnnouncement],
        secure: SecureRoundOutcome? = nil
    ) -> RejectReason? {
        let present = Set(participants.map(\.summary.member))
        let proposal = Proposal(
            manifestDigest: chain.manifestDigest, height: 1, previousDigest: chain.headDigest,
            kind: .round(1), baseAdapterDigest: chain.adapterDigest, participants: participants,
            absences: Self.members.filter { !present.contains($0) }.map {
                .init(member: $0, reason: .tooSlow)
            }, joins: [], departures: [], secure: secure)
        do throws(RejectReason) {
            try chain.check(proposal)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a round needs the sums of three groups, each by so many as open one`() throws {
        let chain = try chain()
        #expect(chain.memberCountNeeded == 12)
        let sizes = try #require(chain.secureGroups).map(\.count)
        #expect(sizes.sorted() == [4, 4, 5])
        let enough = sizes.map { 2 * $0 / 3 + 1 }
        #expect(refusal(chain, try announcements(chain, counts: enough)) == nil)
        #expect(refusal(chain, try announcements(chain, counts: sizes)) == nil)
        for group in 0..<3 {
            var counts = enough
            counts[group] -= 1
            #expect(
                refusal(chain, try announcements(chain, counts: counts)) == .proposalInvalid)
            counts[group] = 0
            #expect(
                refusal(chain, try announcements(chain, counts: counts)) == .proposalInvalid)
        }
    }

    @Test func `what too few of a group say is no part of a round`() throws {
        let chain = try chain()
        let sizes = try #require(chain.secureGroups).map(\.count)
        let groups = try #require(chain.secureGroups)
        let good = try announcements(chain, counts: sizes)
        func replaced(
            _ member: PublicKey, _ object: String, bytes: Int = 100
        ) throws -> [SignedAnnouncement] {
            try good.map {
                $0.summary.member == member
                    ? try announcement(chain, member, object, bytes: bytes) : $0
            }
        }
        let liar = groups[0][0]
        for lie in [
            // A sum of its own, another group's, and its group's with another size.
            try replaced(liar, "mine"), try replaced(liar, "sum 1"),
            try replaced(liar, "sum 0", bytes: 99),
        ] {
            #expect(refusal(chain, lie) == .proposalInvalid)
            // Without it the others stand.
            let rest = chain.supported(lie)
            #expect(rest.count == good.count - 1)
            #expect(refusal(chain, rest) == nil)
        }
        // Two groups with one sum.
        let same = try good.map { item in
            groups[0].contains(item.summary.member)
                ? try announcement(chain, item.summary.member, "sum 1") : item
        }
        #expect(refusal(chain, same) == .proposalInvalid)
        #expect(refusal(chain, good.reversed()) == .proposalInvalid)
        #expect(refusal(chain, good + [good[0]]) == .proposalInvalid)
    }

    @Test func `a group that cannot agree any more is not waited for`() throws {
        let chain = try chain()
        let groups = try #require(chain.secureGroups)
        let small = try #require(groups.firstIndex { $0.count == 4 })
        let group = groups[small]
        #expect(chain.openGroupCount([]) { _ in false } == 3)
        #expect(chain.openGroupCount([]) { $0 == group[0] } == 3)
        #expect(chain.openGroupCount([]) { group.prefix(2).contains($0) } == 2)
        #expect(chain.openGroupCount([]) { _ in true } == 0)
        // Two say one thing and two another: nobody is lost, and no three can agree.
        let split = try group.enumerated().map {
            try announcement(chain, $0.element, "half \($0.offset / 2)")
        }
        #expect(chain.openGroupCount(split) { _ in false } == 2)
        #expect(chain.openGroupCount(Array(split.dropLast())) { _ in false } == 3)
        #expect(chain.openGroupCount(Array(split.dropLast())) { $0 == group[3] } == 2)
        // One that lies alone keeps nobody from agreeing.
        let one = try group.enumerated().map {
            try announcement(chain, $0.element, $0.offset == 0 ? "mine" : "sum")
        }
        #expect(chain.openGroupCount(one) { _ in true } == 1)
    }

    @Test func `a round of groups is lost without participants, and has no sum of all`() throws {
        let chain = try chain()
        let good = try announcements(chain, counts: try #require(chain.secureGroups).map(\.count))
        #expect(refusal(chain, [], secure: .lost) == nil)
        #expect(refusal(chain, []) == .proposalInvalid)
        #expect(refusal(chain, good, secure: .lost) == .proposalInvalid)
        let summary = SecureRoundOutcome.summed(
            SecureSummary(
                memberCount: 13, participants: Self.members, weight: 13,
                totalDigest: Fixtures.digest("total")))
        #expect(refusal(chain, [], secure: summary) == .proposalInvalid)
    }
}
