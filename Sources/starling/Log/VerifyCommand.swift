internal import ArgumentParser
internal import Cryptography
internal import Federation
internal import JSONDocuments
internal import LibP2P
internal import NodeServices

/// Checks what another node exported, without a node.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check an exported adapter, or a proof of a forked log, offline.",
        discussion: """
            Of a folder that 'starling export' wrote: certificate, participants, log and the \
            adapter's bytes. Of a file that 'starling audit --evidence' wrote: that one member \
            signed two histories. Needs nothing else. With --manifest the \
            export must be of that very federation; without, it is of the one that it names, whose \
            manifest its author signed. Ends with 25 and the reason where something does not hold.
            """
    )

    @Argument(help: "A folder that 'starling export' wrote, or a proof of a forked log.")
    var path: String

    @Option(
        help: "The manifest that is trusted: its digest, or an export of the federation.")
    var manifest: String?

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await withSharedConsole(output) { console in
            if ForkVerification.isEvidence(path: path) {
                report(try ForkVerification.verify(path: path), to: console)
                return
            }
            let trusted = try manifest.map(trustedDigest)
            if OwnExportVerification.isOwn(folder: path) {
                let found = try OwnExportVerification.verify(folder: path, manifest: trusted)
                report(found, to: console)
                return
            }
            report(try ExportVerification.verify(folder: path, manifest: trusted), to: console)
        }
    }

    private func report(_ found: ForkVerification, to console: SharedConsole) {
        let peer = PeerID(publicKey: found.member).description
        var record = JSONRecord()
        record.add("ok", .bool(true))
        record.add("forked", peer)
        record.add("log", found.origin)
        if let index = found.entryIndex { record.add("first_bad_entry", Int(index)) }
        let place = found.entryIndex.map { "they differ in entry \($0)" } ?? "of one size"
        console.report(record, text: "proven  \(peer) signed two histories of its log, \(place)")
    }

    private func report(_ found: OwnExportVerification, to console: SharedConsole) {
        let peer = PeerID(publicKey: found.member).description
        var record = JSONRecord()
        record.add("ok", .bool(true))
        record.add("certified", .bool(false))
        record.add("federation", found.manifest.manifest.name)
        record.add("manifest_digest", found.manifest.digest.hexadecimal)
        record.add("round", Int(found.round))
        record.add("adapter_digest", found.adapterDigest.hexadecimal)
        record.add("peer", peer)
        record.add("holds_adapter", .bool(found.holdsAdapter))
        console.report(
            record,
            text: """
                federation  \(found.manifest.manifest.name), manifest \(found.manifest.digest)
                adapter     \(found.adapterDigest)\(found.holdsAdapter ? ", these bytes" : "")
                signed      by \(peer) alone, after its round \(found.round); no quorum certified it
                """)
    }

    private func trustedDigest(_ text: String) throws -> Digest {
        if let digest = Digest(hexadecimal: text) { return digest }
        guard FilePresence.exists(text) else {
            throw CommandFailure(
                .nodeSettingUnusable,
                "--manifest \(text): neither 64 hexadecimal digits nor an export's folder")
        }
        return try ExportVerification.verify(folder: text).manifest.digest
    }

    private func report(_ found: ExportVerification, to console: SharedConsole) {
        func peer(_ key: PublicKey) -> String { PeerID(publicKey: key).description }
        let statement = found.certificate.statement
        let participation = found.certificate.participation
        var record = JSONRecord()
        record.add("ok", .bool(true))
        record.add("certified", .bool(true))
        record.add("federation", found.manifest.manifest.name)
        record.add("manifest_digest", found.manifest.digest.hexadecimal)
        record.add("round", Int(statement.round))
        record.add("sum_digest", statement.sumDigest.hexadecimal)
        record.add("adapter_digest", statement.adapterDigest.hexadecimal)
        record.add(
            "participants",
            .array(participation.participatingMembers.map { .string(peer($0)) }))
        record.add("absences", participation.absences.count)
        record.add("signatures", found.certificate.signatures.count)
        record.add("threshold", found.certificate.threshold)
        record.add("log", peer(found.logMember))
        record.add("log_entries", Int(found.logSize))
        record.add("cosigners", .array(found.cosigners.map { .string(peer($0)) }))
        record.add("proven_leaves", found.provenLeafCount)
        record.add("holds_adapter", .bool(found.holdsAdapter))
        var lines = [
            "federation  \(found.manifest.manifest.name), manifest \(found.manifest.digest)",
            "round       \(statement.round), sum \(statement.sumDigest)",
            found.holdsAdapter
                ? "adapter     \(statement.adapterDigest), these bytes"
                : "adapter     \(statement.adapterDigest); merged weights are not checked",
            "signatures  \(found.certificate.signatures.count) of \(found.certificate.threshold)",
            "log         \(found.provenLeafCount) leaves proven below \(found.logSize) of "
                + "\(peer(found.logMember)), \(found.cosigners.count) cosignatures",
        ]
        for item in participation.participants {
            lines.append(
                "took part   \(peer(item.summary.member)), \(item.summary.exampleCount) examples")
        }
        for member in participation.secure?.participants ?? [] {
            lines.append("took part   \(peer(member)), masked")
        }
        for absence in participation.absences {
            lines.append("was absent  \(peer(absence.member)): \(absence.reason.sentence)")
        }
        lines.append("ok          everything holds")
        console.report(record, text: lines.joined(separator: "\n"))
    }
}
