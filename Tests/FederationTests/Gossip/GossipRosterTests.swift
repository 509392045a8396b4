import Cryptography
import Testing

@testable import Federation

struct GossipRosterTests {
    private let manifest = Fixtures.digest("m")

    private func join(_ number: UInt8, height: UInt64 = 0) -> SignedJoin {
        SignedJoin(manifest: manifest, height: height, signer: Fixtures.key(number))
    }

    private func leave(_ number: UInt8, since: UInt64 = 0) -> SignedLeave {
        SignedLeave(manifest: manifest, memberSince: since, signer: Fixtures.key(number))
    }

    @Test func `the same statements in any order give the same roster`() {
        var first = GossipRoster()
        _ = first.learn(
            RosterShare(joins: [join(1), join(2), join(3)], leaves: [leave(2)]), manifest: manifest)
        _ = first.learn(RosterShare(joins: [join(2, height: 1)]), manifest: manifest)
        var second = GossipRoster()
        _ = second.learn(RosterShare(joins: [join(2, height: 1)]), manifest: manifest)
        _ = second.learn(
            RosterShare(joins: [join(3), join(2), join(1)], leaves: [leave(2)]), manifest: manifest)
        #expect(first.members == second.members)
        #expect(first.digest == second.digest)
        #expect(first.members.count == 3)
    }

    @Test func `a leave ends the membership that it names and no later one`() {
        var roster = GossipRoster()
        _ = roster.learn(RosterShare(joins: [join(1)], leaves: [leave(1)]), manifest: manifest)
        #expect(roster.members.isEmpty)
        // The old join does not bring it back, a new one does, and the old leave does not end that.
        #expect(roster.learn(RosterShare(joins: [join(1)]), manifest: manifest).joins.isEmpty)
        #expect(roster.members.isEmpty)
        _ = roster.learn(RosterShare(joins: [join(1, height: 1)]), manifest: manifest)
        _ = roster.learn(RosterShare(leaves: [leave(1)]), manifest: manifest)
        #expect(roster.members == [Fixtures.key(1).publicKey])
    }

    @Test func `forged statements change nothing`() {
        var roster = GossipRoster()
        let forged = SignedJoin(
            member: Fixtures.key(2).publicKey, height: 0, signature: join(1).signature)
        let foreign = SignedJoin(
            manifest: Fixtures.digest("other"), height: 0, signer: Fixtures.key(3))
        let news = roster.learn(
            RosterShare(joins: [forged, foreign, join(1)]), manifest: manifest)
        #expect(news.joins == [join(1)])
        _ = roster.learn(
            RosterShare(leaves: [
                SignedLeave(
                    member: Fixtures.key(1).publicKey, memberSince: 0,
                    signature: leave(2).signature)
            ]), manifest: manifest)
        #expect(roster.members == [Fixtures.key(1).publicKey])
    }

    @Test func `what is passed on and restored is the same roster`() throws {
        var roster = GossipRoster()
        _ = roster.learn(
            RosterShare(joins: (1...200).map { join($0) }, leaves: [leave(7), leave(100)]),
            manifest: manifest)
        let shares = roster.shares(of: roster.entries.keys.sorted())
        #expect(shares.count == 2)
        var other = GossipRoster()
        for share in shares {
            let bytes = MessageCodec.encode(.roster(share))
            guard case .roster(let read) = try MessageCodec.decode(bytes) else {
                Issue.record("another message")
                continue
            }
            _ = other.learn(read, manifest: manifest)
        }
        #expect(other.digest == roster.digest)
        #expect(other.members == roster.members)
        var restored = GossipRoster()
        restored.restore(shares)
        #expect(restored.digest == roster.digest)
    }
}
