internal import Cryptography
internal import JSONDocuments
internal import Simulation

/// What every simulation reports: enough to run it again, and figures of its own.
protocol SeededReport: CustomStringConvertible {
    var seed: UInt64 { get }
    var scenario: String { get }
    /// What went wrong; nil if nothing did.
    var failure: SimulationFailure? { get }
    /// The command that runs it again.
    var command: String { get }
    var traceDigest: Digest { get }
    /// Adds the figures to the record.
    func addFigures(to record: inout JSONRecord)
}

extension SeededReport {
    /// The report as programs read it.
    var record: JSONRecord {
        var record = JSONRecord()
        record.add("seed", "\(seed)")
        record.add("scenario", scenario)
        record.add("ok", .bool(failure == nil))
        addFigures(to: &record)
        record.add("trace_digest", traceDigest.hexadecimal)
        if let failure {
            record.add("failure", "\(failure)")
            record.add("replay", command)
        }
        return record
    }
}

extension SimulationReport: SeededReport {
    func addFigures(to record: inout JSONRecord) {
        record.add("heights", entries.count)
        record.add("simulated_seconds", seconds)
        record.add("messages", messageCount)
        record.add("bytes", byteCount)
        record.add("crashes", crashCount)
    }
}

extension GossipReport: SeededReport {
    func addFigures(to record: inout JSONRecord) {
        record.add("finished", areFinished.count { $0 })
        record.add("simulated_seconds", seconds)
        record.add("messages", messageCount)
        record.add("bytes", byteCount)
        record.add("state_bytes", fetchedByteCount)
        record.add("crashes", crashCount)
        record.add("consensus_distance", finalDistance)
        record.add("mean_norm", finalMeanNorm)
    }
}

extension AnnouncementReport: SeededReport {
    func addFigures(to record: inout JSONRecord) {
        record.add("nodes", nodeCount)
        record.add("announcements", announcementCount)
        record.add("deliveries", deliveryCount)
        record.add("median_milliseconds", Int(medianMilliseconds))
        record.add("p99_milliseconds", Int(percentile99Milliseconds))
        record.add("last_milliseconds", Int(slowestMilliseconds))
        record.add("heartbeats", heartbeatCount)
        record.add("mean_hops", meanHopCount)
        record.add("most_hops", hopCountMax)
        record.add("copies_per_node", copiesPerNode)
        record.add("frames_per_node_second", framesPerNodeSecond)
        record.add("bytes_per_node_second", bytesPerNodeSecond)
        record.add("kills", killCount)
    }
}
