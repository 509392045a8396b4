import Cryptography
import Testing

@testable import Federation

@Suite struct SecureRestartTests {
    /// A node stops right before its commit leaves, or right after, and starts again.
    @Test(arguments: [0, 1])
    func `a second commit is impossible after a restart`(sent: Int) throws {
        var network = try SecureNetwork(count: 7, elements: 60, seed: 12)
        network.stops = { node, kind, count in
            // The next frame after the commit is a heartbeat or a reveal.
            node == 3 && (sent == 0 ? kind == 12 : (kind == 13 || kind == 15 && count > 40))
        }
        network.startAll()
        network.run { network in !network.nodes[3].isAlive }
        #expect(!network.nodes[3].isAlive)
        #expect(network.nodes[3].records["secure/7/commit"] != nil)
        let before = network.nodes[3].sent.count
        network.stops = { _, _, _ in false }
        network.start(3)
        network.run()
        let after = network.nodes[3].sent[before...].compactMap { try? SecureFrame(bytes: $0) }
        let own = after.filter { $0.isSigned(by: network.nodes[3].key.publicKey) }
        #expect(!own.isEmpty)
        #expect(own.allSatisfy { $0.kind == .status })
        #expect(
            !network.nodes[3].sent[before...].contains { SecureDataFrame.isDataFrame($0) })
        #expect(network.nodes[3].sent(.commit).filter { $0.sender == 4 }.count <= sent)
        // It still learns what the round came to, and that its update is spent.
        #expect(network.nodes[3].certified != nil)
        #expect(network.nodes[3].end?.keepsUpdate == false)
        #expect(SecureRecords.isUpdateSpent(round: 7, in: network.nodes[3].records))
        #expect(network.violations() == [])
        for node in network.nodes { #expect(node.end?.reason == .certified) }
    }

    @Test(arguments: SecureDropoutTests.steps)
    func `a restart at any step signs nothing that was signed before`(kind: UInt8) throws {
        var network = try SecureNetwork(count: 7, elements: 60, seed: UInt64(kind) + 100)
        network.stops = { node, sent, _ in node == 2 && sent == kind }
        network.startAll()
        network.run { network in !network.nodes[2].isAlive }
        network.stops = { _, _, _ in false }
        network.start(2)
        network.run()
        #expect(network.violations() == [])
        for node in network.nodes {
            #expect(node.evidence == [])
            #expect(node.opened.map(network.isExact) ?? true)
        }
        #expect(network.nodes.count { $0.end?.reason == .certified } >= 6)
    }

    @Test func `an update is spent once masked bytes may have left, and kept before`() throws {
        // Everyone stops before the commit: no certificate.
        var network = try SecureNetwork(count: 5, elements: 60, seed: 13)
        network.tamper = { _, _, bytes in
            bytes[0] == SecureFrame.Kind.commit.rawValue ? nil : bytes
        }
        network.startAll()
        network.run()
        for node in network.nodes {
            #expect(node.end?.reason == .noCertificate)
            #expect(node.end?.keepsUpdate == false)
            #expect(SecureRecords.isUpdateSpent(round: 7, in: node.records))
            #expect(node.opened == nil)
        }
        // No survivors: nothing was masked.
        network = try SecureNetwork(count: 5, elements: 60, seed: 13)
        network.tamper = { _, _, bytes in
            bytes[0] == SecureFrame.Kind.share.rawValue ? nil : bytes
        }
        network.startAll()
        network.run()
        for node in network.nodes {
            #expect(node.end?.reason == .noSurvivors)
            #expect(node.end?.keepsUpdate == true)
            #expect(!SecureRecords.isUpdateSpent(round: 7, in: node.records))
        }
    }

    @Test func `records of rounds that are over can be removed`() {
        let records: [String: [UInt8]] = [
            "secure/3/commit": [], "secure/12/phase": [], "secure/7/result": [], "agreement": [],
            "secure/x/phase": [],
        ]
        #expect(
            SecureRecords.keys(before: 12, in: records) == ["secure/3/commit", "secure/7/result"])
    }

    @Test func `small groups need the setting`() throws {
        #expect(throws: SecurePolicyError.candidateCount(4, minimum: 5)) {
            try SecureNetwork(count: 4)
        }
        #expect(throws: SecurePolicyError.memberMinimum(2)) {
            try SecureNetwork(count: 4, minimum: 2)
        }
        // Five may come, four do: without the setting there is no group.
        var network = try SecureNetwork(count: 5, elements: 20, seed: 14)
        for index in 0..<4 { network.start(index) }
        network.run()
        for node in network.nodes.prefix(4) {
            #expect(node.end?.reason == .noRoster)
            #expect(node.end?.keepsUpdate == true)
            #expect(node.warnings == [])
        }
        network = try SecureNetwork(count: 5, elements: 20, minimum: 3, seed: 14)
        for index in 0..<4 { network.start(index) }
        network.run()
        for node in network.nodes.prefix(4) {
            #expect(node.end?.reason == .certified)
            #expect(node.opened?.participants.count == 4)
            #expect(node.warnings == [3])
        }
    }

    @Test func `members of another network key or other parameters form no group`() throws {
        var network = try SecureNetwork(
            count: 5, elements: 20, seed: 15, network: .random(count: 32))
        let other = try SecureNetwork(
            count: 5, elements: 20, seed: 15, network: .random(count: 32))
        network.nodes[1] = other.nodes[1]
        network.startAll()
        network.run()
        #expect(network.nodes.allSatisfy { $0.opened == nil })
        #expect(network.nodes.contains { $0.refusals.contains(.otherGroup) })
        network = try SecureNetwork(count: 6, elements: 20, seed: 15)
        let longer = try SecureNetwork(count: 6, elements: 21, seed: 15)
        network.nodes[1] = longer.nodes[1]
        for index in network.nodes.indices where index != 1 { network.start(index) }
        network.start(1, contributes: false)
        network.run()
        #expect(network.nodes[0].refusals.contains(.parametersDiffer))
        for (index, node) in network.nodes.enumerated() where index != 1 {
            #expect(node.end?.reason == .certified)
        }
    }

    @Test func `a sum beyond what members can have put in is not used`() throws {
        var network = try SecureNetwork(count: 5, elements: 20, seed: 16)
        // A member adds to its masked words what its bound forbids, and commits to that.
        for index in network.nodes.indices { network.start(index, contributes: index != 0) }
        var words = [UInt32](repeating: 0, count: 21)
        words[0] = 1 << 30
        words[20] = 1
        network.nodes[0].instance?.contribution = words
        network.run()
        for node in network.nodes {
            #expect(node.end?.reason == .sumOutOfBounds)
            #expect(node.opened == nil)
            #expect(node.certified == nil)
        }
    }
}
