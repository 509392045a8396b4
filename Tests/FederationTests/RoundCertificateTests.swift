import Cryptography
import Testing

@testable import Federation

@Suite struct RoundCertificateTests {
    private let trio: Trio
    private let entry: CertifiedEntry
    private let certificate: RoundCertificate

    init() throws {
        trio = try Trio()
        entry = Trio.entry(
            trio.proposal([0, 1]),
            outcome: .init(
                sumDigest: Fixtures.digest("sum"), adapterDigest: Fixtures.digest("adapter")),
            chain: trio.chain, signers: [trio.keys[0], trio.keys[2]])
        certificate = RoundCertificate(entry, after: trio.chain)
    }

    private func failure(
        _ certificate: RoundCertificate, manifest: Digest? = nil
    ) -> RoundCertificate.Failure? {
        do throws(RoundCertificate.Failure) {
            try certificate.verify(
                manifest: manifest ?? trio.manifest.digest, members: trio.chain.members)
            return nil
        } catch {
            return error
        }
    }

    private func changed(
        participation: Proposal? = nil, statement: ResultStatement? = nil,
        signatures: [MemberSignature]? = nil
    ) -> RoundCertificate {
        RoundCertificate(
            participation: participation ?? certificate.participation,
            statement: statement ?? certificate.statement, threshold: certificate.threshold,
            signatures: signatures ?? certificate.signatures)
    }

    @Test func `a quorum of equal signatures certifies a round`() throws {
        #expect(certificate.threshold == 2)
        #expect(failure(certificate) == nil)
        #expect(throws: Never.self) { try trio.chain.verify(entry) }
        #expect(
            failure(certificate, manifest: Fixtures.digest("other"))
                == .manifest(trio.manifest.digest))
    }

    @Test func `participants, weights and absences are part of what is signed`() throws {
        let others = [
            trio.proposal([0, 2]), trio.proposal([0, 1, 2]), trio.proposal([0, 1], object: "x"),
        ]
        for proposal in others {
            #expect(
                failure(changed(participation: proposal))
                    == .participation(
                        signed: certificate.participation.digest, computed: proposal.digest))
        }
    }

    @Test func `too few, doubled and foreign signers are refused`() throws {
        let (first, second) = (certificate.signatures[0], certificate.signatures[1])
        #expect(
            failure(changed(signatures: [first])) == .tooFewSignatures(count: 1, threshold: 2))
        #expect(failure(changed(signatures: [first, first])) == .signersNotAscending)
        #expect(failure(changed(signatures: [second, first])) == .signersNotAscending)
        let stranger = Fixtures.key(9)
        let foreign = MemberSignature(
            member: stranger.publicKey,
            signature: stranger.signature(for: certificate.statement.bytes))
        let signers = [first, foreign].sorted { $0.member < $1.member }
        #expect(failure(changed(signatures: signers)) == .notMember(stranger.publicKey))
        let forged = MemberSignature(member: second.member, signature: first.signature)
        #expect(failure(changed(signatures: [first, forged])) == .signature(second.member))
    }

    @Test func `another sum or adapter has no valid signature`() throws {
        for outcome in [
            AggregateOutcome(
                sumDigest: Fixtures.digest("x"), adapterDigest: Fixtures.digest("adapter")),
            AggregateOutcome(
                sumDigest: Fixtures.digest("sum"), adapterDigest: Fixtures.digest("x")),
        ] {
            let statement = trio.chain.result(
                of: entry.proposal, digest: entry.proposal.digest, outcome: outcome)
            #expect(
                failure(changed(statement: statement))
                    == .signature(certificate.signatures[0].member))
        }
    }

    @Test func `a membership entry certifies no round`() throws {
        let genesis = ChainState(genesis: trio.manifest)
        let membership = try CertifiedEntry(bytes: try #require(trio.store.entries.first))
        let certificate = RoundCertificate(membership, after: genesis)
        #expect(failure(certificate) == .notARound)
    }
}
