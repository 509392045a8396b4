import Cryptography
import Federation
import Foundation
import LibP2P
import Testing

@testable import NodeServices

/// What a person does about members, on a home on the disk.
@Suite struct MemberBookTests {
    @Test func `an admitted node has a file that holds, and is listed`() async throws {
        let closed = try await ClosedHome()
        let peer = try ClosedHome.peer(7)
        let file = closed.home.folder.appending(path: "peer.cert")
        var terms = MemberBook.Terms()
        terms.organisation = "north"
        terms.dayCount = 2
        let chain = try await closed.book.admit(peer, terms: terms, into: file)
        #expect(try MembershipFile.certificate(at: file) == chain)
        var registry = AdmissionRegistry(manifest: closed.manifest)
        registry.take(MembershipShare(certificates: [chain]))
        #expect(registry.refusal(of: chain.node, at: closed.seconds) == nil)
        #expect(
            registry.refusal(of: chain.node, at: closed.seconds + 2 * 86_400 + 1)?.reason
                == .membershipExpired)
        let members = try await closed.book.members()
        #expect(members.count == 2)
        #expect(members.first { $0.peer == peer }?.chain == chain)
        #expect(members.first { $0.isIssuer }?.refusal == nil)
    }

    @Test func `a revocation by peer id or serial is left for the node, with those below it`()
        async throws
    {
        let closed = try await ClosedHome()
        let delegateKey = try ClosedHome.key(7)
        var terms = MemberBook.Terms()
        terms.roles = [.train, .issue]
        let folder = closed.home.folder
        let delegate = try await closed.book.admit(
            ClosedHome.peer(7), terms: terms, into: folder.appending(path: "a"))
        let below = MembershipChain(
            MembershipCertificate(
                federation: closed.manifest.digest, node: try ClosedHome.key(8).publicKey,
                terms: .init(
                    roles: [.train], notBefore: closed.seconds - 60,
                    notAfter: closed.seconds + 600),
                signer: delegateKey),
            issuedUnder: delegate)
        try MembershipFile.leave(MembershipShare(certificates: [below]), in: closed.home.admission)
        let revoked = try await closed.book.revoke(delegate.leaf.serialText, reason: "sold")
        #expect(Set(revoked.map(\.node)) == [delegate.node, below.node])
        let left = MembershipFile.read(folder: closed.home.admission)
        #expect(Set(left.share.revocations) == Set(revoked) && left.unread.isEmpty)
        let standings = try await closed.book.members().map(\.refusal?.reason)
        #expect(standings.filter { $0 == .membershipRevoked }.count == 2)
        let again = try await closed.book.revoke(ClosedHome.peer(7).description, reason: "twice")
        #expect(again.isEmpty)
    }

    @Test func `what cannot be revoked says why`() async throws {
        let closed = try await ClosedHome()
        let own = PeerID(publicKey: closed.identity.publicKey).description
        await #expect(throws: NodeError.self) {
            try await closed.book.revoke(own, reason: "")
        }
        await #expect(throws: NodeError.self) {
            try await closed.book.revoke(ClosedHome.peer(9).description, reason: "")
        }
        let open = try await ClosedHome(isOpen: true)
        await #expect(throws: NodeError.self) { try await open.book.members() }
    }

    @Test func `an invite is one word, and a changed word is none`() async throws {
        let closed = try await ClosedHome()
        let invitation = try await closed.book.invite(
            terms: MemberBook.Terms(), useCountMax: 2, hourCount: 1)
        let text = invitation.code.text
        #expect(text.split(separator: " ").count == 1)
        let read = try InviteCode(text)
        #expect(read.invite == invitation.code.invite)
        #expect(read.key.publicKey == invitation.code.key.publicKey)
        #expect(read.invite.isSigned && read.invite.notAfter == closed.seconds + 3600)
        for count in [0, 10, 30, text.count - 4] {
            #expect(throws: NodeError.self) { try InviteCode(String(text.prefix(count))) }
        }
        #expect(throws: NodeError.self) { try InviteCode(text + "A===") }
    }

    @Test func `a node that is no issuer invites and admits nobody`() async throws {
        let closed = try await ClosedHome()
        try FileManager.default.removeItem(at: closed.home.identityFile)
        _ = try IdentityFile.loadOrCreate(at: closed.home.identityFile)
        await #expect(throws: NodeError.self) {
            try await closed.book.invite(terms: .init(), useCountMax: 1, hourCount: 1)
        }
    }
}

/// Who is served, by what is known of certificates.
@Suite struct AccessRulesTests {
    @Test func `without a certificate nothing is served, with one what is open, members all`()
        async throws
    {
        let closed = try await ClosedHome()
        let peer = try ClosedHome.peer(7)
        let (shard, update) = (Hashing.blake2b256([1]), Hashing.blake2b256([2]))
        let rules = AccessRules(
            registry: AdmissionRegistry(manifest: closed.manifest), adapterCountMax: 2,
            clock: closed.clock.service)
        rules.open([shard])
        rules.setMembers([peer])
        #expect(!rules.mayServe(shard, to: peer) && !rules.isMember(peer))
        let chain = try await closed.book.admit(
            peer, terms: .init(), into: closed.home.folder.appending(path: "a"))
        var registry = AdmissionRegistry(manifest: closed.manifest)
        registry.take(MembershipShare(certificates: [chain]))
        rules.setRegistry(registry)
        #expect(rules.mayServe(shard, to: peer) && rules.mayServe(update, to: peer))
        rules.setMembers([])
        #expect(rules.mayServe(shard, to: peer) && !rules.mayServe(update, to: peer))
        let revocations = try await closed.book.revoke(peer.description, reason: "gone")
        registry.take(MembershipShare(revocations: revocations))
        rules.setRegistry(registry)
        rules.setMembers([peer])
        #expect(!rules.mayServe(shard, to: peer) && !rules.admits(peer))
    }

    @Test func `a certificate stops serving when its time is over, without any news`() async throws
    {
        let closed = try await ClosedHome()
        let peer = try ClosedHome.peer(7)
        var terms = MemberBook.Terms()
        terms.dayCount = 1
        let chain = try await closed.book.admit(
            peer, terms: terms, into: closed.home.folder.appending(path: "a"))
        var registry = AdmissionRegistry(manifest: closed.manifest)
        registry.take(MembershipShare(certificates: [chain]))
        let rules = AccessRules(
            registry: registry, adapterCountMax: 2, clock: closed.clock.service)
        #expect(rules.admits(peer))
        closed.clock.advance(by: .seconds(86_401))
        #expect(!rules.admits(peer))
    }

    @Test func `in an open federation everybody is admitted`() async throws {
        let open = try await ClosedHome(isOpen: true)
        let rules = AccessRules(
            registry: AdmissionRegistry(manifest: open.manifest), adapterCountMax: 2)
        #expect(try rules.admits(ClosedHome.peer(7)))
    }

    @Test func `the newest adapters are open to strangers, older ones to members`() async throws {
        let open = try await ClosedHome(isOpen: true)
        let rules = AccessRules(
            registry: AdmissionRegistry(manifest: open.manifest), adapterCountMax: 2)
        let adapters = try [UInt8](1...4).map {
            try #require(Digest(bytes: [UInt8](repeating: $0, count: 32)))
        }
        // An entry of memberships names the adapter of the one before again.
        for index in [0, 1, 2, 2, 3, 3] { rules.open(adapter: adapters[index]) }
        let stranger = try ClosedHome.peer(7)
        let member = try ClosedHome.peer(8)
        rules.setMembers([member])
        #expect(adapters.map { rules.mayServe($0, to: stranger) } == [false, false, true, true])
        #expect(adapters.allSatisfy { rules.mayServe($0, to: member) })
    }
}
