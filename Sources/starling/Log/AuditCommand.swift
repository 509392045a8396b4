internal import ArgumentParser
internal import Cryptography
internal import Foundation
internal import JSONDocuments
internal import Logging
internal import NodeServices

/// Checks a node's log, chain and sums.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Verify the gossip log, every certificate, and the sums of the rounds.",
        discussion: """
            Needs no secret key and, but for --against an address, no network; it may run beside \
            the node. Sums are computed again for the rounds whose updates are still stored \
            (retain-rounds); --replay tells of each round, --no-replay leaves the sums out. \
            --against compares with another node: a home, a folder that 'starling log export' \
            wrote, or the address of a running node. Two signed histories are told apart from a \
            log that was cut off, and --evidence keeps the proof for 'starling verify'.
            """
    )

    @Flag(inversion: .prefixedNo, help: "Compute sums again, and tell of every round.")
    var replay: Bool?

    @Option(help: "A home, a folder of tiles or an address to compare with.")
    var against: String?

    @Option(help: "Where to write the proof of a forked log, if there is one.")
    var evidence: String?

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard evidence == nil || against != nil else {
            throw ValidationError("--evidence goes with --against.")
        }
    }

    func run() async throws {
        try await withSharedConsole(output) { console in
            if let evidence { try OutputPlace.check(evidence) }
            let report = try await NodeAudit.audit(home: home.folder, replays: replay ?? true)
            var forks: ForkAudit.Report?
            if report.isOK, let against {
                forks = try await ForkAudit.audit(
                    home: home.folder, against: against,
                    logger: Logger(label: "starling.audit") { _ in SwiftLogNoOpLogHandler() })
            }
            try keep(forks?.fork)
            tell(report, forks, to: console)
            if !report.isOK || forks?.fork != nil {
                throw ExitReason.verificationFailed.exitCode
            }
        }
    }

    private func keep(_ fork: ForkAudit.Fork?) throws {
        guard let evidence, let bytes = fork?.evidence else { return }
        do {
            try Data(bytes).write(to: URL(filePath: evidence), options: .withoutOverwriting)
        } catch {
            throw CommandFailure(.outputUnwritable, "\(evidence) can't be written: \(error)")
        }
    }

    private func tell(
        _ report: NodeAudit.Report, _ forks: ForkAudit.Report?, to console: SharedConsole
    ) {
        var record = JSONRecord()
        record.add("ok", .bool(report.isOK && forks?.fork == nil))
        record.add("entries", Int(report.entryCount))
        record.add("rounds", Int(report.roundCount))
        record.add("certified", .bool(report.isCertified))
        record.add("sums", report.sumCount)
        var lines = [
            "entries  \(report.entryCount) under signed tree heads",
            "rounds   \(report.roundCount) \(report.isCertified ? "certified" : "of its own")",
            "\(report.isCertified ? "sums " : "means")    \(report.sumCount) computed again",
        ]
        if replay == true {
            record.add("replays", .array(report.replays.map { Self.value(of: $0) }))
            lines += report.replays.map { Self.line(of: $0) }
        }
        if let failure = report.failure {
            record.add("first_bad_entry", Int(failure.entryIndex))
            record.add("reason", failure.reason)
            lines.append("FAILED   entry \(failure.entryIndex): \(failure.reason)")
        }
        for agreement in forks?.agreements ?? [] { lines.append("agrees   \(agreement)") }
        if let forks {
            record.add("agreements", .array(forks.agreements.map { .string($0) }))
        }
        if let fork = forks?.fork {
            record.add("forked", fork.peer)
            if let index = fork.entryIndex { record.add("first_bad_entry", Int(index)) }
            record.add("reason", fork.reason)
            record.add("proven", .bool(fork.evidence != nil))
            if fork.evidence != nil, let evidence { record.add("evidence", evidence) }
            let place = fork.entryIndex.map { ", entry \($0)" } ?? ""
            lines.append("FAILED   \(fork.peer)\(place): \(fork.reason)")
            if fork.evidence != nil {
                lines.append(
                    evidence.map { "proof    written to \($0); check it with 'starling verify'" }
                        ?? "proof    is there; keep it with --evidence FILE")
            }
        }
        if report.isOK, forks?.fork == nil { lines.append("ok       everything holds") }
        console.report(record, text: lines.joined(separator: "\n"))
    }

    private static func value(of replay: NodeAudit.Replay) -> JSONValue {
        var record = JSONRecord()
        record.add("round", Int(replay.round))
        record.add("holds", .bool(replay.missing.isEmpty))
        record.add("updates", replay.updateCount)
        record.add("sum_digest", replay.sumDigest.hexadecimal)
        record.add("adapter_digest", replay.adapterDigest.hexadecimal)
        record.add("missing", .array(replay.missing.map { .string($0) }))
        return record.value
    }

    private static func line(of replay: NodeAudit.Replay) -> String {
        guard replay.missing.isEmpty else {
            return "round \(replay.round): not computed again, "
                + "\(replay.missing.joined(separator: ", ")) is not stored any more"
        }
        return "round \(replay.round): the sum of \(replay.updateCount) updates is "
            + "\(replay.sumDigest), the adapter \(replay.adapterDigest)"
    }
}
