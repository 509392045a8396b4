internal import Federation
internal import GossipLog

/// What a log says about other members' logs that have two histories.
enum ForkRecord {
    /// Checks the evidence beside a record of that kind; other records pass.
    ///
    /// - Throws: the reason for which it proves nothing.
    static func check(
        _ record: LogRecordReader.Record, evidence: [UInt8]?
    ) throws(ForkEvidence.Failure) {
        guard case .other(LogRecord.logForkKind) = record else { return }
        try ForkEvidence(bytes: evidence ?? []).verify()
    }
}
