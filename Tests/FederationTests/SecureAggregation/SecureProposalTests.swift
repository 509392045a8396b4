import Cryptography
import Testing

@testable import Federation

/// What entries may say of secure rounds.
@Suite struct SecureProposalTests {
    private static let keys = (1...7).map { Fixtures.key(UInt8($0)) }
        .sorted { $0.publicKey < $1.publicKey }
    private static let members = keys.map(\.publicKey)

    /// Seven members before round 1.
    private func chain(isSecure: Bool = true) throws -> ChainState {
        let plain = try Fixtures.manifest()
        let manifest = try Manifest(
            name: "secret", baseModelDigest: plain.baseModelDigest, baseModelName: "stub",
            tokenizerDigest: plain.tokenizerDigest,
            initialAdapterDigest: plain.initialAdapterDigest, adapter: plain.adapter,
            training: plain.training, ring: plain.ring, normBound: 1,
            membership: .init(startMemberCount: 5, quorumMinimum: 1),
            updateByteCountMax: 1 << 20, author: Fixtures.key(1).publicKey,
            createdAtSeconds: 1_700_000_000, secure: isSecure ? .init() : nil)
        var chain = ChainState(
            genesis: try SignedManifest(signing: manifest, with: Fixtures.key(1)))
        chain.members = Self.members
        for member in Self.members { chain.memberSince[member] = 0 }
        return chain
    }

    private func proposal(
        _ chain: ChainState, _ secure: SecureRoundOutcome?, absent: [PublicKey]? = nil
    ) -> Proposal {
        let present = Set(secure?.participants ?? [])
        let absent = absent ?? Self.members.filter { !present.contains($0) }
        return Proposal(
            manifestDigest: chain.manifestDigest, height: 1, previousDigest: chain.headDigest,
            kind: .round(1), baseAdapterDigest: chain.adapterDigest, participants: [],
            absences: absent.map { .init(member: $0, reason: .tooSlow) }, joins: [],
            departures: [], secure: secure)
    }

    private func summary(
        members: Int = 7, participants: [PublicKey] = Array(Self.members.prefix(5)),
        weight: UInt32 = 200
    ) -> SecureRoundOutcome {
        .summed(
            SecureSummary(
                memberCount: members, participants: participants, weight: weight,
                totalDigest: Fixtures.digest("total")))
    }

    private func refusal(_ chain: ChainState, _ proposal: Proposal) -> RejectReason? {
        do throws(RejectReason) {
            try chain.check(proposal)
            return nil
        } catch {
            return error
        }
    }

    @Test func `proposals with either outcome are read back to the same ones`() throws {
        let chain = try chain()
        for outcome in [summary(), .lost, nil] {
            let made = proposal(chain, outcome)
            #expect(try Proposal(canonicalBytes: made.canonicalBytes) == made)
        }
        let digests = [summary(), summary(weight: 201), .lost].map { proposal(chain, $0).digest }
        #expect(Set(digests).count == 3)
        let bytes = proposal(chain, summary()).canonicalBytes
        for count in bytes.indices.suffix(250) {
            #expect(throws: CanonicalError.self) {
                try Proposal(canonicalBytes: Array(bytes.prefix(count)))
            }
        }
    }

    @Test func `a sum needs its threshold, members in order, and weights that they can have`()
        throws
    {
        let chain = try chain()
        let all = Self.members
        #expect(refusal(chain, proposal(chain, summary())) == nil)
        #expect(refusal(chain, proposal(chain, summary(participants: all))) == nil)
        #expect(refusal(chain, proposal(chain, .lost)) == nil)
        for wrong in [
            summary(participants: Array(all.prefix(4))), summary(members: 8),
            summary(members: 4), summary(members: 0), summary(members: 2, participants: []),
            summary(participants: all.prefix(5).reversed()),
            summary(participants: all.prefix(4) + [all[3]]),
            summary(participants: all.prefix(4) + [Fixtures.key(99).publicKey]),
            summary(weight: 4), summary(weight: 5 * 64 + 1), summary(weight: .max),
        ] {
            #expect(refusal(chain, proposal(chain, wrong)) == .proposalInvalid, "\(wrong)")
        }
        // Everybody else of the seven is absent, nobody twice.
        #expect(refusal(chain, proposal(chain, summary(), absent: [])) == .proposalInvalid)
        #expect(refusal(chain, proposal(chain, summary(), absent: all)) == .proposalInvalid)
    }

    @Test func `secure outcomes belong to secure federations, and plain ones to plain`() throws {
        let secure = try chain()
        let plain = try chain(isSecure: false)
        #expect(refusal(secure, proposal(secure, nil)) == .proposalInvalid)
        #expect(refusal(plain, proposal(plain, .lost)) == .proposalInvalid)
        #expect(refusal(plain, proposal(plain, summary())) == .proposalInvalid)
    }

    @Test func `a result of a sum needs as many signatures as opened it`() throws {
        let chain = try chain()
        let outcome = AggregateOutcome(
            sumDigest: Fixtures.digest("sum"), adapterDigest: Fixtures.digest("next"))
        func refusal(_ secure: SecureRoundOutcome, signers: Int, _ outcome: AggregateOutcome)
            -> RejectReason?
        {
            let entry = Trio.entry(
                proposal(chain, secure), outcome: outcome, chain: chain,
                signers: Array(Self.keys.prefix(signers)))
            do throws(RejectReason) {
                try chain.verify(entry)
                return nil
            } catch {
                return error
            }
        }
        // A majority of seven is four; floor(2 x 7 / 3) + 1 = 5.
        #expect(chain.quorum == 4)
        #expect(refusal(summary(), signers: 4, outcome) == .certificateInvalid)
        #expect(refusal(summary(), signers: 5, outcome) == nil)
        // A lost round leaves the adapter as it was, and needs a majority.
        #expect(refusal(.lost, signers: 4, outcome) == .proposalInvalid)
        let none = AggregateOutcome(sumDigest: .zero, adapterDigest: chain.adapterDigest)
        #expect(refusal(.lost, signers: 4, none) == nil)
        #expect(refusal(.lost, signers: 3, none) == .certificateInvalid)
    }
}
