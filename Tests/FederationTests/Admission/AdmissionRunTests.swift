import Cryptography
import Testing

@testable import Federation

/// Whole federations of members: who gets in, who gets out, and what either can do then.
struct AdmissionRunTests {
    private func rounds(_ network: AdmissionNetwork, _ index: Int) -> UInt64 {
        network.status(index)?.completedRoundCount ?? 0
    }

    /// The certified rounds of a node in which a member's update is.
    private func roundsOf(_ member: PublicKey, in node: AdmissionNetwork.Node) throws -> [UInt64] {
        try node.entries.map { try CertifiedEntry(bytes: $0).proposal }
            .filter { $0.participatingMembers.contains(member) }.map(\.round)
    }

    @Test func `members with certificates train, a node without one hears nothing but the refusal`()
        throws
    {
        var network = try AdmissionNetwork(count: 4, certified: 3)
        network.pass(seconds: 10)
        #expect(network.status(0)?.members == (0...2).map { network.key($0) }.sorted())
        #expect(rounds(network, 0) > 0 && rounds(network, 0) == rounds(network, 2))
        #expect(network.nodes[3].entries.isEmpty)
        #expect(network.status(3)?.height == 0)
        #expect(network.nodes[0].refusals.allSatisfy { $0 == .membershipMissing })
        #expect(network.nodes[0].refusals.contains(.membershipMissing))
        #expect(
            network.nodes[3].notifications.contains(
                .membershipOver(.membershipMissing, text: "")))
        #expect(network.nodes[..<3].allSatisfy { !$0.served.contains(network.key(3)) })
    }

    @Test func `a certificate brings a node in while rounds go on`() throws {
        var network = try AdmissionNetwork(count: 4, certified: 3)
        network.pass(seconds: 5)
        network.nodes[3].membership = network.fixture.chain(of: 4)
        network.kill(3)
        try network.start(3)
        network.pass(seconds: 8)
        #expect(network.status(0)?.members.contains(network.key(3)) == true)
        #expect(try !roundsOf(network.key(3), in: network.nodes[1]).isEmpty)
        // Everybody has the certificate, also who never talked to an issuer about it.
        for node in network.nodes {
            #expect(
                node.instance?.admissionRegistry.chains[network.key(3)]
                    == network.nodes[3].membership)
        }
    }

    @Test func `a revoked member is in no later round, reads nothing and is told why`() throws {
        var network = try AdmissionNetwork(count: 5)
        network.pass(seconds: 8)
        let gone = network.key(4)
        #expect(network.status(0)?.members.contains(gone) == true)
        let before = rounds(network, 0)
        let revocation = network.fixture.revocation(of: network.fixture.chain(of: 5))
        network.tell(1, .membershipLearned(.init(revocations: [revocation])))
        // What is served while the news is on its way is before it.
        network.pass(seconds: 0.25)
        for index in network.nodes.indices { network.nodes[index].served = [] }
        network.pass(seconds: 12)
        #expect(rounds(network, 0) >= before + 3)
        #expect(
            network.nodes[4].notifications.contains(
                .membershipOver(.membershipRevoked, text: "gone")))
        #expect(network.status(4)?.completedRoundCount ?? 0 <= before + 1)
        for index in 0..<4 {
            #expect(network.status(index)?.members.contains(gone) == false)
            // The round under way may have it, no later one.
            #expect(
                try roundsOf(gone, in: network.nodes[index]).allSatisfy { $0 <= before + 1 })
            #expect(network.nodes[index].log.contains(.revoked(revocation)))
            #expect(!network.nodes[index].served.contains(gone))
            #expect(network.status(index)?.adapterDigest == network.status(0)?.adapterDigest)
        }
        // Once more from the start, with a home that has forgotten the revocation.
        network.kill(4)
        network.nodes[4].records = [:]
        network.nodes[4].notifications = []
        try network.start(4)
        network.pass(seconds: 3)
        #expect(network.nodes[4].isOver)
        #expect(network.status(0)?.members.contains(gone) == false)
    }

    @Test func `members that were away hear of a revocation when they are back`() throws {
        var network = try AdmissionNetwork(count: 5)
        network.pass(seconds: 8)
        network.cut = [3]
        network.pass(seconds: 1)
        let revocation = network.fixture.revocation(of: network.fixture.chain(of: 5))
        network.tell(0, .membershipLearned(.init(revocations: [revocation])))
        network.pass(seconds: 2)
        #expect(network.nodes[3].instance?.admissionRegistry.revocations.isEmpty == true)
        network.cut = []
        network.pass(seconds: 3)
        let registries = network.nodes[..<4].compactMap(\.instance?.admissionRegistry.digest)
        #expect(Set(registries).count == 1)
        #expect(
            network.nodes[3].instance?.admissionRegistry.revocations[revocation.certificateID]
                == revocation)
    }

    @Test func `a new certificate brings a revoked member back`() throws {
        var network = try AdmissionNetwork(count: 4)
        network.pass(seconds: 6)
        let revocation = network.fixture.revocation(of: network.fixture.chain(of: 4))
        network.tell(0, .membershipLearned(.init(revocations: [revocation])))
        network.pass(seconds: 6)
        #expect(network.status(0)?.members.contains(network.key(3)) == false)
        let end = AdmissionFixture.now + 9 * AdmissionFixture.day
        let new = network.fixture.chain(of: 4, terms: AdmissionFixture.terms(until: end))
        network.nodes[3].membership = new
        network.kill(3)
        try network.start(3)
        network.pass(seconds: 10)
        #expect(network.status(0)?.members.contains(network.key(3)) == true)
        #expect(
            network.nodes[3].instance?.admissionRegistry.refusal(
                of: network.key(3), at: AdmissionFixture.now) == nil)
    }

    @Test func `a member whose certificate ends is out without anybody's word`() throws {
        var network = try AdmissionNetwork(count: 4, certified: 3)
        let end = AdmissionFixture.now + 20
        network.nodes[3].membership = network.fixture.chain(
            of: 4, terms: AdmissionFixture.terms(until: end))
        network.kill(3)
        try network.start(3)
        network.pass(seconds: 15)
        #expect(network.status(0)?.members.contains(network.key(3)) == true)
        network.pass(seconds: 120)
        #expect(network.nodes[0].refusals.contains(.membershipExpired))
        #expect(network.status(0)?.members.contains(network.key(3)) == false)
        #expect(
            network.nodes[3].notifications.contains(
                .membershipOver(.membershipExpired, text: "")))
    }

    // MARK: Crashes

    @Test(arguments: 0..<12)
    func `a node killed between any two steps has acted on no revocation that it forgets`(
        count: Int
    ) throws {
        var network = try AdmissionNetwork(count: 5)
        network.pass(seconds: 8)
        let gone = network.key(4)
        let revocation = network.fixture.revocation(of: network.fixture.chain(of: 5))
        network.nodes[0].refusals = []
        network.stopsAfter[0] = count
        network.tell(0, .membershipLearned(.init(revocations: [revocation])))
        let hasActed = network.nodes[0].refusals.contains(.membershipRevoked)
        let hasTold = network.nodes[1...].contains { node in
            node.instance?.admissionRegistry.revocations.isEmpty == false
        }
        let key = DurableRecord.revocation(revocation.certificateID)
        let isOnRecord = network.nodes[0].records[key] == revocation.bytes
        if count == 0 { #expect(!isOnRecord && !hasActed && !hasTold) }
        if count >= 2 { #expect(isOnRecord) }
        #expect(isOnRecord || (!hasActed && !hasTold))
        network.stopsAfter = [:]
        network.kill(0)
        try network.start(0)
        let refusal = network.nodes[0].instance?.admissionRegistry.refusal(
            of: gone, at: AdmissionFixture.now)
        #expect((refusal?.reason == .membershipRevoked) == isOnRecord)
    }

    // MARK: The rules of entries

    @Test func `an entry's departure needs an issuer's revocation of that member`() throws {
        let fixture = try AdmissionFixture()
        let keys = [1, 2, 3].map { Fixtures.key($0) }
        var chain = ChainState(genesis: fixture.manifest)
        chain.apply(
            try Trio.membershipEntry(manifest: fixture.manifest, keys: keys, chain: chain))
        func proposal(_ revocation: SignedRevocation, of member: Int) -> Proposal {
            Proposal(
                manifestDigest: fixture.manifest.digest, height: 2,
                previousDigest: chain.headDigest, kind: .round(1),
                baseAdapterDigest: Fixtures.adapterDigest,
                participants: [0, 1].map { index in
                    SignedAnnouncement(
                        manifest: fixture.manifest.digest,
                        summary: UpdateSummary(
                            objectID: Fixtures.digest("\(index)"),
                            member: keys[index].publicKey, round: 1,
                            baseAdapterDigest: Fixtures.adapterDigest, exampleCount: 8,
                            byteCount: 100),
                        signer: keys[index])
                }.sorted { $0.summary.member < $1.summary.member },
                absences: [.init(member: keys[2].publicKey, reason: .silent)], joins: [],
                departures: [
                    .init(member: keys[member].publicKey, reason: .revoked(revocation))
                ])
        }
        let sound = fixture.revocation(of: fixture.chain(of: 3))
        try chain.check(proposal(sound, of: 2))
        let read = try Proposal(canonicalBytes: proposal(sound, of: 2).canonicalBytes)
        #expect(read == proposal(sound, of: 2))
        #expect(throws: RejectReason.proposalInvalid) {
            try chain.check(proposal(sound, of: 1))
        }
        #expect(throws: RejectReason.proposalInvalid) {
            try chain.check(proposal(fixture.revocation(of: fixture.chain(of: 3), by: 9), of: 2))
        }
        let elsewhere = fixture.chain(of: 3, federation: .zero)
        #expect(throws: RejectReason.proposalInvalid) {
            try chain.check(proposal(fixture.revocation(of: elsewhere), of: 2))
        }
    }
}
