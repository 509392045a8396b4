internal import Cryptography
internal import Federation
internal import GossipLog

/// A log's leaf whose claim an audit has checked against the evidence beside it.
enum AuditedRecord {
    /// Reads a leaf's record.
    ///
    /// - Throws: ``AuditedClaims/Refusal`` with the reason for which it claims more than it proves.
    static func read(
        _ leaf: LogLeaf, evidence: [UInt8]?, manifest: Digest
    ) throws(AuditedClaims.Refusal) -> LogRecordReader.Record {
        let record: LogRecordReader.Record
        do {
            record = try LogRecordReader.read(leaf.payload)
        } catch {
            throw .init("it can't be read: \(error)")
        }
        guard LogRecordReader.isProven(record, by: evidence, manifest: manifest) else {
            throw .init("its evidence does not prove what it says")
        }
        do {
            try ForkRecord.check(record, evidence: evidence)
        } catch {
            throw .init("its evidence of a forked log proves nothing: \(error)")
        }
        return record
    }
}
