import Cryptography
import Testing

@testable import Federation

struct GroupDrawTests {
    private let members = (1...50).map { Fixtures.key($0).publicKey }.sorted()

    private func draw(_ round: UInt64, size: Int = 16) -> GroupDraw {
        GroupDraw(manifestDigest: Fixtures.digest("m"), round: round, memberCountMax: size)
    }

    @Test(arguments: [1, 2, 15, 16, 17, 31, 32, 33, 50])
    func `everybody is in one group of at most sixteen and sizes differ by one at most`(
        count: Int
    ) {
        let some = Array(members.prefix(count))
        let groups = draw(3).groups(of: some)
        #expect(groups.count == (count + 15) / 16)
        #expect(Set(groups.joined()) == Set(some))
        #expect(groups.joined().count == count)
        let sizes = groups.map(\.count)
        let (least, greatest) = (sizes.min() ?? 0, sizes.max() ?? 0)
        #expect(greatest <= 16)
        #expect(greatest <= least + 1)
    }

    @Test func `up to sixteen everybody is in one group in every round`() {
        let some = Array(members.prefix(16))
        for round in 1...5 as ClosedRange<UInt64> {
            #expect(draw(round).groups(of: some).count == 1)
        }
    }

    @Test func `rounds have groups of their own and rosters in any order the same`() {
        let first = draw(1).groups(of: members)
        #expect(first == draw(1).groups(of: members.reversed()))
        #expect(first.map(Set.init) != draw(2).groups(of: members).map(Set.init))
    }

    @Test func `who shares a group is near, and who is far apart is not`() {
        let candidates = members.map(GossipDraw.Candidate.init)
        let groups = draw(1, size: 5).groups(of: members)
        for group in groups {
            for (left, right) in zip(group, group.dropFirst()) {
                #expect(draw(1, size: 5).areNear(left, right, among: candidates))
                let peers = draw(1, size: 5).peers(of: left, among: candidates)
                #expect(Set(peers + [left]) == Set(group))
            }
        }
        #expect(!draw(1, size: 5).areNear(groups[0][0], groups[9][4], among: candidates))
        #expect(!draw(1, size: 5).areNear(groups[0][0], groups[2][0], among: candidates))
    }

    @Test func `a member that only one side knows parts nobody that shared a group`() {
        let candidates = members.map(GossipDraw.Candidate.init)
        for missing in members {
            let fewer = members.filter { $0 != missing }
            for group in draw(7, size: 8).groups(of: fewer) {
                for member in group.dropFirst() {
                    #expect(
                        draw(7, size: 8).areNear(group[0], member, among: candidates))
                }
            }
        }
    }
}
