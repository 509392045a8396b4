import Cryptography
import Testing

@testable import Federation

@Suite struct LogEvidenceTests {
    @Test func `an announcement in the log is proven by its member's signature alone`() throws {
        let trio = try Trio()
        let announcement = trio.announcement(1)
        for record in [LogRecord.updateAnnounced(announcement), .updateLate(announcement)] {
            let read = try LogRecordReader.read(record.payload)
            let manifest = trio.manifest.digest
            #expect(LogRecordReader.isProven(read, by: record.evidence, manifest: manifest))
            #expect(!LogRecordReader.isProven(read, by: nil, manifest: manifest))
            #expect(
                !LogRecordReader.isProven(
                    read, by: trio.announcement(2).signature, manifest: manifest)
            )
            let other = Hashing.blake2b256([1])
            #expect(!LogRecordReader.isProven(read, by: record.evidence, manifest: other))
        }
    }

    @Test func `a result in the log is proven by the entry that it names`() throws {
        let trio = try Trio()
        let entry = try CertifiedEntry(bytes: try #require(trio.store.entries.first))
        let record = LogRecord.certified(entry)
        let read = try LogRecordReader.read(record.payload)
        let manifest = trio.manifest.digest
        #expect(LogRecordReader.isProven(read, by: record.evidence, manifest: manifest))
        #expect(!LogRecordReader.isProven(read, by: nil, manifest: manifest))
        #expect(
            !LogRecordReader.isProven(read, by: Array(entry.bytes.dropLast()), manifest: manifest)
        )
    }
}
