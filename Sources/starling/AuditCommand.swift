internal import ArgumentParser
internal import JSONDocuments
internal import NodeServices

/// Checks a node's log, chain and sums.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Verify the gossip log, every certificate, and the sums of the rounds.",
        discussion: """
            Needs no secret key and no network, and may run beside the node. Sums are computed \
            again for the rounds whose updates are still stored (retain-rounds).
            """
    )

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await withSharedConsole(output) { console in
            let report = try await NodeAudit.audit(home: home.folder)
            var record = JSONRecord()
            record.add("ok", .bool(report.isOK))
            record.add("entries", Int(report.entryCount))
            record.add("rounds", Int(report.roundCount))
            record.add("certified", .bool(report.isCertified))
            record.add("sums", report.sumCount)
            var text = """
                entries  \(report.entryCount) under signed tree heads
                rounds   \(report.roundCount) \(report.isCertified ? "certified" : "of its own")
                \(report.isCertified ? "sums " : "means")    \(report.sumCount) computed again
                """
            if let failure = report.failure {
                record.add("first_bad_entry", Int(failure.entryIndex))
                record.add("reason", failure.reason)
                text += "\nFAILED   entry \(failure.entryIndex): \(failure.reason)"
            } else {
                text += "\nok       everything holds"
            }
            console.report(record, text: text)
            if !report.isOK { throw ExitReason.verificationFailed.exitCode }
        }
    }
}
