import Cryptography
import Testing

@testable import Federation

/// What deadlines take from measured links.
@Suite struct DeadlineTests {
    @Test func `rates are smoothed by time per byte`() throws {
        var trio = try Trio()
        trio.tell(.measuredTransferRate(bytesPerSecond: 1e6))
        #expect(trio.instance.bytesPerSecond == 1e6)
        // One fetch in four at a tenth of the rate takes 3.25 times as long in the mean.
        trio.tell(.measuredTransferRate(bytesPerSecond: 1e5))
        #expect(abs(trio.instance.bytesPerSecond - 1e6 / 3.25) < 1)
        for rate in [0, -1, .infinity, .nan] {
            trio.tell(.measuredTransferRate(bytesPerSecond: rate))
        }
        #expect(abs(trio.instance.bytesPerSecond - 1e6 / 3.25) < 1)
        for _ in 0..<60 { trio.tell(.measuredTransferRate(bytesPerSecond: 2e6)) }
        #expect(abs(trio.instance.bytesPerSecond - 2e6) < 1_000)
    }

    @Test func `no rate makes a deadline wait for ever`() throws {
        var trio = try Trio()
        trio.tell(.measuredTransferRate(bytesPerSecond: 1e-3))
        #expect(trio.instance.slowestRate == Timing.bytesPerSecondMin)
        let start = trio.now
        let most = 2 * Timing.deadlineSecondsUnmeasured + Timing.transferSecondsMax
        #expect(trio.instance.updateDeadline < start.adding(seconds: most))
    }

    @Test func `the slowest link decides how long updates are waited for`() throws {
        func deadlineSeconds(bytesPerSecond: Double) throws -> Double {
            var trio = try Trio()
            for (index, rate) in [(1, bytesPerSecond), (2, 50e6)] {
                trio.receive(
                    .status(
                        StatusReport(
                            height: trio.chain.height, headDigest: trio.chain.headDigest,
                            holdsProposal: true, announcements: 7, viewChanges: 7, commits: 7,
                            results: 7, secondsPerStep: 60, bytesPerSecond: rate)),
                    from: index)
            }
            let state = trio.instance
            #expect(state.slowestRate == bytesPerSecond)
            return state.updateDeadline.seconds(since: state.current.enteredAt)
        }
        let byteCount = Double(try Trio().manifest.manifest.updateByteCountMax)
        // Training takes longer than the least deadline, so that what transfers need shows.
        let (slow, fast) = (Timing.bytesPerSecondMin, 49e6)
        let gap = try deadlineSeconds(bytesPerSecond: slow) - deadlineSeconds(bytesPerSecond: fast)
        let limit = Timing.transferSecondsMax
        let expected = min(limit, 3 * byteCount / slow) - min(limit, 3 * byteCount / fast)
        #expect(abs(gap - expected) <= 0.002)
    }

    /// A trio whose first proposer of height 2 is not the instance under test, and its index.
    private func trioOfForeignProposer() throws -> (trio: Trio, proposer: Int) {
        let trios = try (0..<32).map { try Trio(name: "deadline \($0)") }
        let trio = try #require(trios.first { $0.proposer(0) != 0 })
        return (trio, trio.proposer(0))
    }

    @Test func `another proposer is in place when updates are awaited no longer`() throws {
        var (trio, lost) = try trioOfForeignProposer()
        let living = 3 - lost
        let entered = trio.instance.current.enteredAt
        trio.pass(seconds: 0.5, heard: [living, lost])
        #expect(trio.instance.roundDeadline == entered.adding(seconds: 5))
        trio.tell(.disconnected(trio.keys[lost].publicKey))
        trio.pass(seconds: 1.25, heard: [living])
        // Not needed yet: it may come back.
        #expect(trio.instance.current.view == 0)
        let changed: (Message) -> Bool = { if case .viewChange = $0 { true } else { false } }
        trio.pass(seconds: 5, heard: [living], until: changed)
        #expect(trio.instance.current.view == 1)
        #expect(trio.now < trio.instance.updateDeadline)
        trio.receive(.viewChange(trio.viewChange(1, by: living), proposal: nil), from: living)
        // The proposer of view 1 lives: it is left only when it has had its time after the deadline.
        trio.pass(seconds: 2, heard: [living])
        #expect(trio.instance.current.view == 1)
    }

    @Test func `a proposer that comes back in time is kept`() throws {
        var (trio, lost) = try trioOfForeignProposer()
        trio.pass(seconds: 1, heard: [1, 2])
        trio.tell(.disconnected(trio.keys[lost].publicKey))
        trio.pass(seconds: 1, heard: [3 - lost])
        trio.tell(.connected(trio.keys[lost].publicKey))
        trio.pass(seconds: 3, heard: [1, 2])
        #expect(trio.instance.current.view == 0)
    }

    @Test func `who waits for bytes that died with their proposer waits no longer`() throws {
        var (trio, lost) = try trioOfForeignProposer()
        let living = 3 - lost
        trio.receive(trio.propose(trio.proposal([1, 2]), view: 0), from: lost)
        trio.pass(seconds: 1, heard: [1, 2])
        #expect(trio.instance.current.accepted != nil)
        trio.tell(.disconnected(trio.keys[lost].publicKey))
        trio.pass(seconds: 1.25, heard: [living])
        #expect(trio.instance.current.view == 1)
    }

    @Test func `who has committed gives the others time to do so`() throws {
        var (trio, lost) = try trioOfForeignProposer()
        let proposal = trio.proposal([1, 2])
        trio.receive(trio.propose(proposal, view: 0), from: lost)
        trio.supply(proposal)
        #expect(!trio.ownCommits.isEmpty)
        trio.tell(.disconnected(trio.keys[lost].publicKey))
        trio.pass(seconds: 2, heard: [3 - lost])
        #expect(trio.instance.current.view == 0)
    }

    /// A heartbeat of a member that has waited so long.
    private func status(_ trio: Trio, secondsInHeight: Double) -> Message {
        .status(
            StatusReport(
                height: trio.chain.height, headDigest: trio.chain.headDigest,
                holdsProposal: true, announcements: 7, viewChanges: 7, commits: 7, results: 7,
                secondsPerStep: 0.1, bytesPerSecond: 1e6, secondsInHeight: secondsInHeight))
    }

    @Test func `who comes late waits no longer than the others`() throws {
        let trios = try (0..<32).map { try Trio(name: "deadline \($0)") }
        var trio = try #require(trios.first { $0.proposer(0) == 0 })
        trio.tell(.trainingProgressed(round: 1, stepsDone: 4, secondsPerStep: 0.1))
        trio.tell(.updateReady(round: 1, summary: trio.announcement(0).summary))
        let other = trio.announcement(1)
        trio.receive(.announcement(other), from: 1)
        trio.tell(.objectFetched(other.summary.objectID, .update(.success(other.summary))))
        let entered = trio.instance.current.enteredAt
        #expect(trio.instance.roundDeadline == entered.adding(seconds: 5))
        trio.milliseconds += 1000
        let began = trio.now.seconds(since: entered)
        trio.receive(status(trio, secondsInHeight: began + 3), from: 1)
        #expect(trio.instance.roundDeadline == entered.adding(seconds: 5), "one may lie")
        trio.receive(status(trio, secondsInHeight: began + 2), from: 2)
        #expect(trio.instance.roundDeadline == entered.adding(seconds: 3))
        // One of three is still awaited, and the others' deadline ends that. One that can be reached may
        // have sent its update to them long ago: the next proposer has it.
        var cedes = trio
        trio.tell(.disconnected(trio.keys[2].publicKey))
        trio.sent = []
        cedes.sent = []
        for (milliseconds, isOver) in [(UInt64(1400), false), (1500, true)] {
            trio.milliseconds = entered.milliseconds + milliseconds
            trio.tell(.tick)
            #expect(trio.sent.contains { if case .propose = $0 { true } else { false } } == isOver)
            cedes.milliseconds = trio.milliseconds
            cedes.tell(.tick)
            #expect(cedes.instance.current.view == (isOver ? 1 : 0))
        }
        #expect(!cedes.sent.contains { if case .propose = $0 { true } else { false } })
        let change = cedes.viewChange(1, by: 0)
        #expect(cedes.sent.contains(.viewChange(change, proposal: nil)))
    }

    @Test func `who hears that a late proposer gave its view up follows at the deadline`() throws {
        var (trio, late) = try trioOfForeignProposer()
        trio.pass(seconds: 1, heard: [1, 2])
        trio.receive(.viewChange(trio.viewChange(1, by: late), proposal: nil), from: late)
        let deadline = trio.instance.updateDeadline
        trio.pass(seconds: deadline.seconds(since: trio.now) - 0.5, heard: [1, 2])
        #expect(trio.instance.current.view == 0)
        trio.pass(seconds: 0.75, heard: [1, 2])
        #expect(trio.instance.current.view == 1)
    }

    @Test func `what is told of a height's beginning moves it back only, and ends with the height`()
        throws
    {
        var trio = try Trio()
        let entered = trio.instance.current.enteredAt
        trio.milliseconds += 4000
        for (first, second, expected) in [
            (9.0, 7.0, 7.0), (0, 0, 7), (1e300, 8, 8), (6, 1e6, 8),
        ] {
            trio.receive(status(trio, secondsInHeight: first), from: 1)
            trio.receive(status(trio, secondsInHeight: second), from: 2)
            #expect(trio.instance.current.seconds(at: trio.now) == expected)
        }
        #expect(trio.instance.roundDeadline >= entered)
        trio.receive(
            .status(
                StatusReport(
                    height: trio.chain.height + 1, headDigest: .zero, secondsInHeight: 50)),
            from: 1)
        #expect(trio.instance.current.seconds(at: trio.now) == 8)
    }

    @Test func `a connection that breaks changes no deadline`() throws {
        var (trio, _) = try trioOfForeignProposer()
        for (index, seconds) in [(1, 60.0), (2, 90.0)] {
            trio.receive(
                .status(
                    StatusReport(
                        height: trio.chain.height, headDigest: trio.chain.headDigest,
                        holdsProposal: true, announcements: 7, viewChanges: 7, commits: 7,
                        results: 7, secondsPerStep: seconds, bytesPerSecond: 1e6)),
                from: index)
        }
        let before = trio.instance.roundDeadline
        #expect(before > trio.instance.current.enteredAt.adding(seconds: 120))
        trio.tell(.disconnected(trio.keys[1].publicKey))
        #expect(trio.instance.roundDeadline == before)
        trio.tell(.connected(trio.keys[1].publicKey))
        #expect(trio.instance.roundDeadline == before)
    }

    @Test func `wishes to join that have lapsed make room for others`() throws {
        var trio = try Trio()
        func wish(_ number: UInt8) -> Message {
            .join(
                SignedJoin(manifest: trio.manifest.digest, height: 1, signer: Fixtures.key(number)))
        }
        for number in 10..<UInt8(10 + PeerInstance.Limits.pendingJoinCount) {
            trio.receive(wish(number), from: 1)
        }
        #expect(trio.instance.pendingJoins.count == PeerInstance.Limits.pendingJoinCount)
        let late = Fixtures.key(100).publicKey
        trio.receive(wish(100), from: 2)
        #expect(trio.instance.pendingJoins[late] == nil)
        trio.pass(seconds: Timing.joinLifetimeSeconds + 1, heard: [1, 2])
        trio.receive(wish(100), from: 1)
        #expect(trio.instance.pendingJoins[late] != nil)
    }
}
