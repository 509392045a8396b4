import Cryptography
import Testing

@testable import Federation

/// The rules on which safety rests, each attacked by messages that members could sign.
struct AgreementTests {
    /// A view whose proposer is not the instance under test.
    private func foreignView(_ trio: Trio, from view: UInt64 = 0) -> UInt64 {
        (view...view + 2).first { trio.proposer($0) != 0 } ?? view
    }

    /// Two majorities of view changes by the others, for that view.
    private func changes(
        _ trio: Trio, _ view: UInt64, committed: (view: UInt64, proposal: Proposal)? = nil
    ) -> [ViewChange] {
        view == 0
            ? []
            : [
                trio.viewChange(view, committed: committed, by: 1),
                trio.viewChange(view, by: 2),
            ]
    }

    @Test func `a commit follows a proposal once every update is here`() throws {
        var trio = try Trio()
        let view = foreignView(trio)
        let proposal = trio.proposal([1, 2])
        trio.receive(
            trio.propose(proposal, view: view, justification: changes(trio, view)), from: 1)
        #expect(trio.ownCommits.isEmpty)
        trio.supply(proposal)
        #expect(trio.ownCommits.map(\.proposalDigest) == [proposal.digest])
        #expect(trio.refused.isEmpty)
    }

    @Test func `the commit is durable before it is sent`() throws {
        var trio = try Trio()
        let view = foreignView(trio)
        let proposal = trio.proposal([1, 2])
        trio.receive(
            trio.propose(proposal, view: view, justification: changes(trio, view)), from: 1)
        trio.tell(
            .objectFetched(
                proposal.participants[0].summary.objectID,
                .update(.success(proposal.participants[0].summary))))
        let directives = trio.tell(
            .objectFetched(
                proposal.participants[1].summary.objectID,
                .update(.success(proposal.participants[1].summary))))
        let persisted = directives.firstIndex { directive in
            if case .persist("agreement", _) = directive { true } else { false }
        }
        let sent = directives.firstIndex { directive in
            if case .send(_, let bytes) = directive {
                WireInspection.kind(of: bytes) == "commit"
            } else {
                false
            }
        }
        #expect(persisted != nil && sent != nil)
        if let persisted, let sent { #expect(persisted < sent) }
    }

    @Test func `a second proposal in a view gets no commit and is put on record`() throws {
        var trio = try Trio()
        let view = foreignView(trio)
        let first = trio.proposal([1, 2])
        let second = trio.proposal([1, 2], object: "other")
        trio.receive(
            trio.propose(first, view: view, justification: changes(trio, view)), from: 1)
        trio.supply(first)
        trio.receive(
            trio.propose(second, view: view, justification: changes(trio, view)), from: 1)
        trio.supply(second)
        #expect(trio.ownCommits.map(\.proposalDigest) == [first.digest])
        let records = trio.store.log.filter { $0.kind == 9 }
        #expect(records.count == 1)
    }

    @Test func `no second commit is signed in a view after a restart either`() throws {
        var trio = try Trio()
        let view = foreignView(trio)
        let first = trio.proposal([1, 2])
        let second = trio.proposal([1, 2], object: "other")
        trio.receive(
            trio.propose(first, view: view, justification: changes(trio, view)), from: 1)
        trio.supply(first)
        try trio.restart()
        trio.receive(
            trio.propose(second, view: view, justification: changes(trio, view)), from: 1)
        trio.supply(second)
        #expect(trio.ownCommits.map(\.proposalDigest) == [first.digest])
    }

    @Test func `after a view change no lower view gets a commit, a restart in between or not`()
        throws
    {
        for restarts in [false, true] {
            var trio = try Trio()
            let low = foreignView(trio)
            let proposal = trio.proposal([1, 2])
            // Both others are ahead: the instance follows and promises.
            let high = low + 3
            trio.receive(.viewChange(trio.viewChange(high, by: 1), proposal: nil), from: 1)
            trio.receive(.viewChange(trio.viewChange(high, by: 2), proposal: nil), from: 2)
            let promised = trio.sent.contains { message in
                if case .viewChange(let change, _) = message { change.view == high } else { false }
            }
            #expect(promised)
            if restarts { try trio.restart() }
            trio.receive(
                trio.propose(proposal, view: low, justification: changes(trio, low)), from: 1)
            trio.supply(proposal)
            #expect(trio.ownCommits.isEmpty)
        }
    }

    @Test func `a view change tells the commit that came before it`() throws {
        var trio = try Trio()
        let view = foreignView(trio)
        let proposal = trio.proposal([1, 2])
        trio.receive(
            trio.propose(proposal, view: view, justification: changes(trio, view)), from: 1)
        trio.supply(proposal)
        let high = view + 1
        trio.receive(.viewChange(trio.viewChange(high, by: 1), proposal: nil), from: 1)
        trio.receive(.viewChange(trio.viewChange(high, by: 2), proposal: nil), from: 2)
        let told = trio.sent.compactMap { message in
            if case .viewChange(let change, _) = message { change.committed } else { nil }
        }
        #expect(told.last == .init(view: view, proposalDigest: proposal.digest))
    }

    @Test func `a proposal against the highest committed view is refused`() throws {
        var trio = try Trio()
        let view = foreignView(trio, from: 1)
        let committed = trio.proposal([1, 2])
        let other = trio.proposal([1, 2], object: "other")
        let changes = changes(trio, view, committed: (0, committed))
        trio.receive(trio.propose(other, view: view, justification: changes), from: 1)
        trio.supply(other)
        #expect(trio.ownCommits.isEmpty)
        #expect(trio.refused == [.justificationInvalid])
    }

    @Test func `of two committed views the higher one decides what may be proposed`() throws {
        for isRight in [false, true] {
            var trio = try Trio()
            let view = foreignView(trio, from: 2)
            let low = trio.proposal([1, 2])
            let high = trio.proposal([1, 2], object: "other")
            let changes = [
                trio.viewChange(view, committed: (0, low), by: 1),
                trio.viewChange(view, committed: (1, high), by: 2),
            ]
            let chosen = isRight ? high : low
            trio.receive(trio.propose(chosen, view: view, justification: changes), from: 1)
            trio.supply(chosen)
            #expect(trio.ownCommits.count == (isRight ? 1 : 0))
            #expect(trio.refused == (isRight ? [] : [.justificationInvalid]))
        }
    }

    @Test func `a proposal without a majority of view changes is refused`() throws {
        for forged in [false, true] {
            var trio = try Trio()
            let view = foreignView(trio, from: 1)
            let proposal = trio.proposal([1, 2])
            var changes = [trio.viewChange(view, by: 1)]
            if forged {
                let other = trio.viewChange(view, by: 2)
                changes.append(
                    ViewChange(
                        height: 2, view: view, member: other.member, committed: nil,
                        signature: [UInt8](repeating: 9, count: 64)))
            }
            trio.receive(trio.propose(proposal, view: view, justification: changes), from: 1)
            trio.supply(proposal)
            #expect(trio.ownCommits.isEmpty)
            #expect(trio.refused == [.justificationInvalid])
        }
    }

    @Test func `only the view's proposer can propose`() throws {
        var trio = try Trio()
        let view = foreignView(trio)
        let wrong = [0, 1, 2].first { $0 != trio.proposer(view) } ?? 0
        let proposal = trio.proposal([1, 2])
        trio.receive(
            trio.propose(proposal, view: view, justification: changes(trio, view), by: wrong),
            from: 1)
        #expect(trio.refused == [.signatureInvalid])
    }

    @Test func `two commits of one member for a view are put on record`() throws {
        var trio = try Trio()
        trio.receive(trio.commit(trio.proposal([1, 2]), view: 5, by: 1), from: 1)
        trio.receive(trio.commit(trio.proposal([0, 1]), view: 5, by: 1), from: 2)
        trio.receive(trio.commit(trio.proposal([0, 1]), view: 5, by: 1), from: 2)
        guard case .equivocation(let found) = trio.store.log.last else {
            Issue.record("no equivocation in the log")
            return
        }
        #expect(found.subject == .commit && found.view == 5)
        #expect(found.member == trio.keys[1].publicKey)
        let statement = Array(found.first.dropLast(64))
        #expect(found.member.isValidSignature(Array(found.first.suffix(64)), for: statement))
        #expect(trio.store.log.count { $0.kind == 9 } == 1)
        // Whoever reads the log can tell, and nobody can pair statements about two places.
        let record = LogRecord.equivocation(found)
        let read = try LogRecordReader.read(record.payload)
        func isProven(_ evidence: [UInt8]) -> Bool {
            LogRecordReader.isProven(read, by: evidence, manifest: trio.manifest.digest)
        }
        func evidence(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] {
            LogRecord.equivocation(
                Equivocation(
                    member: found.member, subject: .commit, height: found.height, view: 5,
                    first: first, second: second)
            ).evidence
        }
        #expect(isProven(record.evidence))
        #expect(!isProven([]))
        #expect(!isProven(evidence(found.first, found.first)))
        let other = trio.commit(trio.proposal([0, 1]), view: 6, by: 1)
        trio.receive(other, from: 1)
        trio.receive(trio.commit(trio.proposal([1, 2]), view: 6, by: 1), from: 1)
        guard case .equivocation(let later) = trio.store.log.last, later.view == 6 else {
            Issue.record("no second equivocation in the log")
            return
        }
        #expect(!isProven(evidence(found.first, later.first)))
        var changed = found.second
        changed[60] ^= 1
        #expect(!isProven(evidence(found.first, changed)))
    }

    @Test func `a silent proposer is left behind within one deadline and a second`() throws {
        let trios = try (0..<16).map { try Trio(name: "test \($0)") }
        var trio = try #require(trios.first { $0.proposer(0) != 0 })
        let silent = trio.proposer(0)
        let heard = 3 - silent
        trio.tell(.trainingProgressed(round: 1, stepsDone: 4, secondsPerStep: 0.1))
        trio.tell(.updateReady(round: 1, summary: trio.announcement(0).summary))
        let other = trio.announcement(heard)
        trio.receive(.announcement(other), from: heard)
        trio.tell(.objectFetched(other.summary.objectID, .update(.success(other.summary))))
        let start = trio.milliseconds
        trio.pass(seconds: 20, heard: [heard]) { message in
            if case .viewChange = message { true } else { false }
        }
        // The least deadline is 5 s, and a proposer that cannot be reached gets 1 s more.
        #expect(trio.milliseconds - start <= 6250)
        #expect(trio.milliseconds - start >= 5000)
    }

    @Test func `a node alone says that it is below quorum and moves to no view`() throws {
        var trio = try Trio()
        trio.tell(.updateReady(round: 1, summary: trio.announcement(0).summary))
        var told: [Notification] = []
        for _ in 0..<400 {
            trio.milliseconds += 250
            for case .notify(let notification) in trio.tell(.tick) { told.append(notification) }
        }
        #expect(told == [.belowQuorum(reachable: 1, needed: 2)])
        #expect(trio.instance.status(now: trio.now).view == 0)
    }
}
