import Cryptography
import Testing

@testable import Federation

/// Bytes that no honest peer sends: refused with a reason, nothing else changes.
struct HostileMessageTests {
    @Test func `malformed and oversized frames are refused with a reason and logged once`()
        throws
    {
        for (bytes, reason) in [
            ([UInt8](repeating: 0xFF, count: 40), RejectReason.malformed),
            ([], .malformed),
            ([UInt8](repeating: 0, count: 48 * 1024 + 1), .frameTooLarge),
        ] {
            var trio = try Trio()
            let before = trio.instance.status(now: trio.now)
            trio.tell(.received(from: trio.keys[1].publicKey, bytes: bytes))
            trio.tell(.received(from: trio.keys[1].publicKey, bytes: bytes))
            #expect(trio.refused == [reason])
            #expect(
                trio.store.log == [
                    .peerRefused(member: trio.keys[1].publicKey, reason)
                ])
            let after = trio.instance.status(now: trio.now)
            #expect(after.headDigest == before.headDigest && after.members == before.members)
        }
    }

    @Test func `no change of any byte of any message makes the instance trap or commit`() throws {
        var trio = try Trio()
        let proposal = trio.proposal([1, 2])
        let messages: [Message] = [
            .announcement(trio.announcement(1)), trio.propose(proposal, view: 0),
            trio.commit(proposal, view: 0, by: 1),
            .viewChange(trio.viewChange(1, by: 1), proposal: nil),
            .status(StatusReport(height: 1, headDigest: trio.chain.headDigest)),
            .chain([trio.store.entries[0]]),
            .join(SignedJoin(manifest: trio.manifest.digest, height: 1, signer: Fixtures.key(9))),
        ]
        var generator = TestGenerator(state: 3)
        for message in messages {
            let bytes = MessageCodec.encode(message)
            for _ in 0..<60 {
                var changed = bytes
                for _ in 0...generator.next() % 3 {
                    changed[Int(generator.next() % UInt64(bytes.count))] =
                        UInt8(truncatingIfNeeded: generator.next())
                }
                if generator.next() % 4 == 0 {
                    changed.removeLast(Int(generator.next() % UInt64(bytes.count)))
                }
                trio.tell(.connected(trio.keys[1].publicKey))
                trio.tell(.received(from: trio.keys[1].publicKey, bytes: changed))
            }
        }
        #expect(trio.ownCommits.isEmpty)
    }

    @Test func `a proposal with a byte count that no object has is malformed`() throws {
        let bytes = try Trio().proposal([1, 2]).canonicalBytes
        #expect(try Proposal(canonicalBytes: bytes).canonicalBytes == bytes)
        // Domain, manifest, height, predecessor, kind, round, base, count of participants; then
        // member, object and examples of the first one.
        let offset = 20 + 32 + 8 + 32 + 1 + 8 + 32 + 4 + 32 + 32 + 4
        for first in [0x80, 0xFF] as [UInt8] {
            var changed = bytes
            changed[offset] = first
            #expect(throws: CanonicalError.malformed(offset: offset)) {
                try Proposal(canonicalBytes: changed)
            }
        }
    }

    @Test func `a signature of somebody else is refused`() throws {
        var trio = try Trio()
        let honest = trio.announcement(1)
        let forged = SignedAnnouncement(
            summary: honest.summary, signature: trio.announcement(2).signature)
        trio.receive(.announcement(forged), from: 1)
        #expect(trio.refused == [.signatureInvalid])
        #expect(trio.instance.current.announcements.isEmpty)
    }

    @Test func `replayed messages of an earlier height change nothing`() throws {
        var trio = try Trio()
        let proposal = trio.proposal([0, 1, 2])
        let commit = trio.commit(proposal, view: 0, by: 1)
        let outcome = AggregateOutcome(
            sumDigest: Fixtures.digest("sum"), adapterDigest: Fixtures.digest("adapter"))
        let entry = Trio.entry(
            proposal, outcome: outcome, chain: trio.chain, signers: [trio.keys[1], trio.keys[2]])
        trio.receive(.chain([entry.bytes]), from: 1)
        #expect(trio.store.entries.count == 2)
        let before = trio.instance.status(now: trio.now)
        trio.receive(commit, from: 1)
        trio.receive(trio.propose(proposal, view: 0), from: 1)
        trio.receive(.chain([entry.bytes]), from: 1)
        trio.receive(.announcement(trio.announcement(1)), from: 1)
        #expect(trio.refused.isEmpty)
        let after = trio.instance.status(now: trio.now)
        #expect(after.headDigest == before.headDigest && after.view == before.view)
        #expect(trio.store.entries.count == 2)
    }

    @Test func `an announcement after its round is logged as late, once`() throws {
        var trio = try Trio()
        let proposal = trio.proposal([0, 1])
        let outcome = AggregateOutcome(
            sumDigest: Fixtures.digest("sum"), adapterDigest: Fixtures.digest("adapter"))
        let entry = Trio.entry(
            proposal, outcome: outcome, chain: trio.chain, signers: [trio.keys[0], trio.keys[1]])
        trio.receive(.chain([entry.bytes]), from: 1)
        trio.receive(.announcement(trio.announcement(2)), from: 2)
        trio.receive(.announcement(trio.announcement(2)), from: 1)
        let late = trio.store.log.filter { $0 == .updateLate(trio.announcement(2)) }
        #expect(late.count == 1)
    }

    @Test func `an entry with too few or foreign or doubled signers is refused`() throws {
        let trio = try Trio()
        let proposal = trio.proposal([0, 1, 2])
        let outcome = AggregateOutcome(
            sumDigest: Fixtures.digest("sum"), adapterDigest: Fixtures.digest("adapter"))
        func refusal(_ signers: [SigningKey]) -> RejectReason? {
            let entry = Trio.entry(
                proposal, outcome: outcome, chain: trio.chain, signers: signers)
            do throws(RejectReason) {
                try trio.chain.verify(entry)
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal([trio.keys[1], trio.keys[2]]) == nil)
        #expect(refusal([trio.keys[1]]) == .certificateInvalid)
        #expect(refusal([trio.keys[1], trio.keys[1]]) == .certificateInvalid)
        #expect(refusal([trio.keys[1], Fixtures.key(9)]) == .notMember)
    }

    @Test func `a proposal that breaks a rule of the chain is refused`() throws {
        let trio = try Trio()
        let good = trio.proposal([0, 1])
        func changed(
            participants: [SignedAnnouncement]? = nil, absences: [RoundReport.Absence]? = nil,
            joins: [SignedJoin] = [], departures: [Proposal.Departure] = [],
            kind: Proposal.Kind = .round(1)
        ) -> RejectReason? {
            let proposal = Proposal(
                manifestDigest: good.manifestDigest, height: 2,
                previousDigest: good.previousDigest, kind: kind,
                baseAdapterDigest: good.baseAdapterDigest,
                participants: participants ?? good.participants,
                absences: absences ?? good.absences, joins: joins, departures: departures)
            do throws(RejectReason) {
                try trio.chain.check(proposal)
                return nil
            } catch {
                return error
            }
        }
        let member = trio.keys[1].publicKey
        let leave = SignedLeave(
            manifest: trio.manifest.digest, memberSince: 0, signer: trio.keys[1])
        let join = SignedJoin(manifest: trio.manifest.digest, height: 1, signer: Fixtures.key(7))
        #expect(changed() == nil)
        #expect(changed(joins: [join]) == nil)
        #expect(changed(absences: []) == .proposalInvalid)
        #expect(changed(participants: [good.participants[0]]) == .proposalInvalid)
        #expect(changed(participants: good.participants.reversed()) == .proposalInvalid)
        #expect(changed(kind: .round(2)) == .proposalInvalid)
        #expect(changed(kind: .membership) == .proposalInvalid)
        #expect(changed(joins: [join, join]) == .proposalInvalid)
        #expect(
            changed(departures: [.init(member: member, reason: .silentRounds(1))])
                == .proposalInvalid)
        // Its membership began at height 1, not 0.
        #expect(
            changed(departures: [.init(member: member, reason: .announced(leave))]) == .replay)
        let known = SignedJoin(manifest: trio.manifest.digest, height: 1, signer: trio.keys[1])
        #expect(changed(joins: [known]) == .replay)
    }

    @Test func `a peer with another manifest or model or version is told why`() throws {
        let trio = try Trio()
        func refusal(_ version: UInt32, _ manifest: Digest, _ base: Digest) throws -> [RejectReason]
        {
            var copy = trio
            copy.receive(
                .hello(
                    Hello(
                        protocolVersion: version, manifestDigest: manifest,
                        baseModelDigest: base, publicKey: trio.keys[1].publicKey, height: 0,
                        headDigest: manifest)), from: 1)
            let told = copy.sent.compactMap { message in
                if case .refuse(let reason) = message { reason } else { nil }
            }
            #expect(told == copy.refused)
            return copy.refused
        }
        let manifest = trio.manifest.digest
        let base = trio.manifest.manifest.baseModelDigest
        let other = Fixtures.digest("other")
        #expect(try refusal(1, manifest, base) == [])
        #expect(try refusal(2, manifest, base) == [.protocolVersion])
        #expect(try refusal(1, other, base) == [.manifestMismatch])
        #expect(try refusal(1, manifest, other) == [.baseModelMismatch])
    }

    @Test func `a store of another base model or with a damaged entry does not start`() throws {
        let trio = try Trio()
        var damaged = trio.store.entries[0]
        damaged[damaged.count - 1] ^= 1
        #expect(throws: RestoreError.entryInvalid(height: 1, reason: .signatureInvalid)) {
            try PeerInstance(
                restored: RestoredState(manifest: trio.manifest, entries: [damaged]),
                baseModelDigest: trio.manifest.manifest.baseModelDigest, signer: trio.keys[0],
                now: trio.now)
        }
        #expect(throws: RestoreError.baseModelMismatch) {
            try PeerInstance(
                restored: RestoredState(manifest: trio.manifest),
                baseModelDigest: Fixtures.digest("other"), signer: trio.keys[0], now: trio.now)
        }
        #expect(throws: RestoreError.recordInvalid(key: "agreement")) {
            try PeerInstance(
                restored: RestoredState(
                    manifest: trio.manifest, records: ["agreement": [1, 2, 3]]),
                baseModelDigest: trio.manifest.manifest.baseModelDigest, signer: trio.keys[0],
                now: trio.now)
        }
    }
}
