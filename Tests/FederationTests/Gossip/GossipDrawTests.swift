import Cryptography
import Testing

@testable import Federation

struct GossipDrawTests {
    private let members = (1...40).map { Fixtures.key($0).publicKey }.sorted()

    private func draw(_ round: UInt64, _ sender: PublicKey) -> GossipDraw {
        GossipDraw(manifestDigest: Fixtures.digest("m"), round: round, sender: sender)
    }

    @Test func `everybody draws the same members whatever the order of the roster`() {
        let sender = members[3]
        let drawn = draw(5, sender).targets(among: members, count: 6)
        #expect(drawn == draw(5, sender).targets(among: members.reversed(), count: 6))
        #expect(Set(drawn).count == 6)
        #expect(!drawn.contains(sender))
        for (place, member) in drawn.enumerated() {
            #expect(draw(5, sender).place(of: member, among: members) == place)
        }
        let all = draw(5, sender).targets(among: members, count: .max)
        #expect(Array(all.prefix(6)) == drawn)
        #expect(all.count == members.count - 1)
    }

    @Test func `a known draw does not change`() {
        let drawn = draw(1, members[0]).targets(among: members, count: 3)
        let places = drawn.map { members.firstIndex(of: $0) ?? -1 }
        #expect(places == Self.knownPlaces)
    }

    static let knownPlaces = [9, 27, 23]

    @Test func `rounds and senders and federations have draws of their own`() {
        let first = draw(1, members[0]).targets(among: members, count: 5)
        #expect(first != draw(2, members[0]).targets(among: members, count: 5))
        let other = GossipDraw(
            manifestDigest: Fixtures.digest("other"), round: 1, sender: members[0])
        #expect(first != other.targets(among: members, count: 5))
    }

    @Test func `over many rounds every member is drawn about equally often`() {
        var counts: [PublicKey: Int] = [:]
        for round in 1...200 as ClosedRange<UInt64> {
            for sender in members.prefix(10) {
                for target in draw(round, sender).targets(among: members, count: 2) {
                    counts[target, default: 0] += 1
                }
            }
        }
        // 4000 draws over 40 members: 100 each, ten standard deviations of leeway.
        #expect(counts.count == members.count)
        #expect(counts.values.allSatisfy { (20...200).contains($0) }, "\(counts.values)")
    }

    @Test func `a member more on the roster moves a place by one at most`() {
        let sender = members[0]
        let known = members.filter { $0 != members[20] }
        for member in known.dropFirst() {
            let place = draw(3, sender).place(of: member, among: members)
            let other = draw(3, sender).place(of: member, among: known)
            #expect([other, other + 1].contains(place))
        }
    }
}
