import Cryptography
import Testing

@testable import Federation

struct GossipHistoryTests {
    private let own = Fixtures.key(1).publicKey
    private let other = Fixtures.key(2).publicKey
    private let manifest: Manifest

    init() throws {
        manifest = try GossipFixture().manifest.manifest
    }

    private var history: GossipHistory { GossipHistory(manifest: manifest, member: own) }

    private func summary(
        _ member: PublicKey, _ round: UInt64, from base: Digest? = nil
    ) -> UpdateSummary {
        UpdateSummary(
            objectID: Fixtures.digest("\(member) \(round)"), member: member, round: round,
            baseAdapterDigest: base ?? manifest.initialAdapterDigest, exampleCount: 4,
            byteCount: 100)
    }

    private func announced(_ item: UpdateSummary) -> LogRecordReader.Record {
        .update(kind: 3, item)
    }

    private func received(_ item: UpdateSummary) -> LogRecordReader.Record {
        .update(kind: 4, item)
    }

    private func mean(
        round: UInt64, of inputs: [UpdateSummary], own state: Digest = Fixtures.digest("trained"),
        examples: Int = 4, member: PublicKey? = nil, outcome: String = "mean"
    ) -> LogRecordReader.Record {
        .mixed(
            MixRecord(
                order: MixOrder(
                    round: round, member: member ?? own, ownState: state,
                    ownExampleCount: examples, inputs: inputs, memberCount: 3),
                adapterDigest: Fixtures.digest(outcome),
                distance: ConsensusDistance(value: 0, meanNorm: 1, sampleCount: 2),
                signatures: []))
    }

    /// Takes all records, the last of which has to break that rule.
    private func expect(
        _ violation: GossipHistory.Violation, _ records: [LogRecordReader.Record],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var history = history
        for (index, record) in records.dropLast().enumerated() {
            try history.take(record, at: UInt64(index))
        }
        guard let last = records.last else { return }
        #expect(throws: violation, sourceLocation: sourceLocation) {
            try history.take(last, at: 9)
        }
    }

    @Test func `rounds follow each other and end at the last mean`() throws {
        var history = history
        let input = summary(other, 1)
        try history.take(announced(summary(own, 1)), at: 0)
        try history.take(received(input), at: 1)
        try history.take(mean(round: 1, of: [input], outcome: "first"), at: 2)
        let next = summary(own, 2, from: Fixtures.digest("first"))
        try history.take(announced(next), at: 3)
        try history.take(mean(round: 2, of: [], outcome: "second"), at: 4)
        #expect(history.round == 2)
        #expect(history.adapterDigest == Fixtures.digest("second"))
        #expect(history.means.map(\.index) == [2, 4])
        #expect(history.means.map(\.announced?.round) == [1, 2])
    }

    @Test func `a newer state that comes while a mean is formed waits for the next`() throws {
        var history = history
        let (first, second) = (summary(other, 1), summary(other, 2))
        try history.take(announced(summary(own, 1)), at: 0)
        try history.take(received(first), at: 1)
        try history.take(received(second), at: 2)
        try history.take(mean(round: 1, of: [first], outcome: "first"), at: 3)
        try history.take(
            announced(summary(own, 2, from: Fixtures.digest("first"))), at: 4)
        try history.take(mean(round: 2, of: [second]), at: 5)
        #expect(history.round == 2)
    }

    @Test func `a catch-up starts from what the node has`() throws {
        var history = history
        let input = summary(other, 7)
        try history.take(received(input), at: 0)
        try history.take(
            mean(round: 0, of: [input], own: manifest.initialAdapterDigest, examples: 0), at: 1)
        #expect(history.round == 7)
        #expect(history.means.map(\.announced) == [nil])
        try expect(
            .otherOwnState,
            [received(input), mean(round: 0, of: [input], own: Fixtures.digest("x"), examples: 0)])
    }

    @Test func `what contradicts the records before is found`() throws {
        let start = announced(summary(own, 2))
        let input = summary(other, 2)
        try expect(.roundAnnouncedBefore(2), [start, start])
        try expect(
            .roundAnnouncedBefore(1), [start, mean(round: 2, of: []), announced(summary(own, 1))])
        try expect(.otherStart, [announced(summary(own, 1, from: Fixtures.digest("x")))])
        try expect(.otherStart, [start, mean(round: 2, of: []), announced(summary(own, 3))])
        try expect(.otherNode(other), [start, mean(round: 2, of: [], member: other)])
        try expect(.otherRound(3, announced: 2), [start, mean(round: 3, of: [])])
        let twice = [start, received(input), mean(round: 2, of: [input])]
        try expect(.stateNotReceived(other, round: 2), [start, mean(round: 2, of: [input])])
        try expect(
            .stateNotReceived(other, round: 2),
            twice + [mean(round: 2, of: [input], own: Fixtures.digest("mean"))])
        try expect(
            .roundFell(to: 1, from: 2),
            twice + [mean(round: 1, of: [], own: Fixtures.digest("mean"))])
    }

    @Test func `a state that was announced or refused and did not come in is in no mean`() throws {
        let input = summary(other, 1)
        try expect(
            .stateNotReceived(other, round: 1),
            [
                announced(summary(own, 1)), announced(input),
                .updateRefused(input, .updateNormExceeded), mean(round: 1, of: [input]),
            ])
    }
}
