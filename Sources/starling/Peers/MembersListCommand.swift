internal import ArgumentParser
internal import Federation
internal import Foundation
internal import JSONDocuments
internal import LibP2P
internal import NodeServices

/// Prints who may take part.
struct MembersListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Print issuers, members, and everybody who has or had a certificate."
    )

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await withSharedConsole(output) { console in
            let members = try await MemberBook(home: home.folder).members()
            var record = JSONRecord()
            record.add("members", .array(members.map(Self.value)))
            console.report(record, text: members.map(Self.line).joined(separator: "\n"))
        }
    }

    private static func value(of member: MemberBook.Member) -> JSONValue {
        var record = JSONRecord()
        record.add("peer", member.peer.description)
        record.add("standing", standing(of: member))
        record.add("in_federation", .bool(member.isMember))
        record.add("issuer", .bool(member.isIssuer))
        if let leaf = member.chain?.leaf {
            record.add("serial", leaf.serialText)
            record.add("org", leaf.terms.organisation)
            record.add("roles", .array(leaf.terms.roles.names.map { .string($0) }))
            record.add("not_before", Int(clamping: leaf.terms.notBefore))
            record.add("not_after", Int(clamping: leaf.terms.notAfter))
            record.add("issued_by", PeerID(publicKey: leaf.issuer).description)
            record.add("invited", .bool(leaf.invite != nil))
        }
        if let revocation = member.revocation {
            record.add("reason", revocation.reason)
            record.add("revoked_at", Int(clamping: revocation.timeSeconds))
        }
        return record.value
    }

    private static func line(of member: MemberBook.Member) -> String {
        var line = "\(member.peer)  \(standing(of: member))"
        if member.isMember { line += ", in" }
        if let leaf = member.chain?.leaf {
            line += "  serial \(leaf.serialText), \(leaf.terms.roles.names.joined(separator: "+"))"
            let organisation = printable(leaf.terms.organisation)
            if !organisation.isEmpty { line += ", \(organisation)" }
            line += ", until \(text(ofSeconds: leaf.terms.notAfter))"
        }
        if let revocation = member.revocation { line += "  \(printable(revocation.reason))" }
        return line
    }

    private static func standing(of member: MemberBook.Member) -> String {
        if member.isIssuer { return "issuer" }
        return switch member.refusal {
        case nil: "admitted"
        case .expired: "expired"
        case .notYetValid: "not yet valid"
        case .revoked: "revoked"
        default: "without certificate"
        }
    }

    /// A date and time of UTC.
    static func text(ofSeconds seconds: UInt64) -> String {
        Date(timeIntervalSince1970: TimeInterval(min(seconds, 253_402_300_799)))
            .formatted(.iso8601)
    }

    /// A text from others without what a terminal would obey.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }))
    }
}
