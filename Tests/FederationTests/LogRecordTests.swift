import Cryptography
import Testing

@testable import Federation

struct LogRecordTests {
    @Test func `every record has bytes within bounds that are read back`() throws {
        let trio = try Trio()
        let announcement = trio.announcement(1)
        let outcome = AggregateOutcome(
            sumDigest: Fixtures.digest("sum"), adapterDigest: Fixtures.digest("adapter"))
        let entry = Trio.entry(
            trio.proposal([0, 1]), outcome: outcome, chain: trio.chain,
            signers: [trio.keys[0], trio.keys[1]])
        let summary = announcement.summary
        let expected: [(LogRecord, LogRecordReader.Record)] = [
            (.joined(member: summary.member, height: 1), .other(kind: 1)),
            (
                .departed(member: summary.member, height: 4, reason: .silentRounds(3)),
                .other(kind: 2)
            ),
            (.updateAnnounced(announcement), .update(kind: 3, summary)),
            (.updateReceived(summary), .update(kind: 4, summary)),
            (
                .updateRefused(summary, .updateNormExceeded),
                .updateRefused(summary, .updateNormExceeded)
            ),
            (.updateLate(announcement), .update(kind: 6, summary)),
            (.aggregated(entry.result), .aggregated(entry.result)),
            (.certified(entry), .certified(entry.result, entry.proposal)),
            (.peerRefused(member: summary.member, .malformed), .other(kind: 10)),
        ]
        for (record, read) in expected {
            #expect(record.payload.count <= 65_535)
            #expect(try LogRecordReader.read(record.payload) == read)
            #expect(throws: CanonicalError.self) {
                try LogRecordReader.read(Array(record.payload.prefix(19)))
            }
        }
        let bytes = LogRecord.certified(entry).evidence
        #expect(try CertifiedEntry(bytes: bytes) == entry)
    }

    @Test func `numbers of reasons are what they always were`() {
        #expect(RejectReason.allCases.map(\.rawValue) == Array(1...30) + Array(40...53))
        let reasons: [AbsenceReason] = [
            .silent, .tooSlow, .transferIncomplete, .left, .refused(.updateNormExceeded),
            .belowData, .trainingFailed, .belowMemory, .roundLost,
        ]
        #expect(reasons.map(\.code) == Array(1...9))
        for reason in reasons {
            #expect(AbsenceReason(code: reason.code, detail: reason.detail) == reason)
            #expect(reason.sentence.hasSuffix("."))
        }
        #expect(AbsenceReason(code: 1, detail: 1) == nil)
        #expect(AbsenceReason(code: 5, detail: 0) == nil)
        #expect(AbsenceReason(code: 10, detail: 0) == nil)
        for reason in RejectReason.allCases { #expect(reason.sentence.hasSuffix(".")) }
    }
}
