import Cryptography
import Testing

@testable import Federation

/// Who may be in a secure round's roster.
struct SecureAdmissionTests {
    private func network(
        _ count: Int, minimum: Int = 5, _ change: (Int, inout SecurePolicy) -> Void
    ) throws -> SecureNetwork {
        var network = try SecureNetwork(count: count, minimum: minimum, seed: 9)
        for index in network.nodes.indices { change(index, &network.nodes[index].policy) }
        network.startAll()
        network.run()
        return network
    }

    /// The first `count` members are of one organisation.
    private func together(_ count: Int, in policy: inout SecurePolicy) {
        for member in policy.candidates.prefix(count) { policy.organisations[member] = "one" }
    }

    private func participants(_ network: SecureNetwork) -> Set<PublicKey> {
        Set(network.nodes.compactMap(\.opened).flatMap(\.participants))
    }

    @Test func `of an organisation's three members in seven one is left out`() throws {
        let network = try network(7) { _, policy in together(3, in: &policy) }
        let one = Set(network.nodes[0].policy.candidates.prefix(3))
        let present = participants(network)
        // Without the third there are six, of whom one organisation may have one.
        #expect(present.count == 5)
        #expect(present.intersection(one).count == 1)
    }

    @Test func `two of seven are allowed, and members without one are nobody's`() throws {
        let network = try network(7) { _, policy in together(2, in: &policy) }
        #expect(participants(network).count == 7)
        let free = try self.network(5) { _, _ in }
        #expect(participants(free).count == 5)
    }

    @Test func `a group of three with two of one organisation is none`() throws {
        let network = try network(3, minimum: 3) { _, policy in together(2, in: &policy) }
        #expect(participants(network).isEmpty)
        let apart = try self.network(3, minimum: 3) { index, policy in
            for (place, member) in policy.candidates.enumerated() {
                policy.organisations[member] = "org \(place)"
            }
        }
        #expect(participants(apart).count == 3)
    }

    @Test func `a roster that breaks the limit is refused by those who know the organisations`()
        throws
    {
        // The proposer knows of none and takes everybody in.
        var network = try SecureNetwork(count: 5, seed: 9)
        let proposer = network.nodes[0].policy.proposerOrder(
            of: network.nodes[0].policy.candidates)[0]
        for index in network.nodes.indices
        where network.nodes[index].key.publicKey != proposer {
            together(3, in: &network.nodes[index].policy)
        }
        network.startAll()
        network.run(seconds: 20)
        #expect(network.nodes.contains { $0.refusals.contains(.organisationTooLarge) })
        #expect(participants(network).isEmpty)
    }

    @Test func `a candidate without a valid certificate is in no roster`() throws {
        let network = try network(6) { _, policy in
            policy.excluded = [policy.candidates[2]]
        }
        let excluded = network.nodes[2].key.publicKey
        #expect(participants(network).count == 5)
        #expect(!participants(network).contains(excluded))
    }
}
