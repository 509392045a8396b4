internal import ArgumentParser
internal import Federation
internal import Foundation
internal import JSONDocuments
internal import LibP2P
internal import NodeServices

/// Works on who may take part in a federation, beside a running node or without one.
struct MembersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "members",
        abstract: "Invite, admit, list and revoke the members of a federation.",
        discussion: """
            For federations made with 'init --admission members'. A running node takes up what is \
            issued and revoked within a second and tells all others.
            """,
        subcommands: [
            MembersListCommand.self, OwnID.self, Invite.self, Admit.self, Revoke.self,
        ],
        defaultSubcommand: MembersListCommand.self
    )

    /// Prints the peer id.
    struct OwnID: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "id",
            abstract: "Print this node's peer id, for an issuer; makes the identity on first use."
        )

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withSharedConsole(output) { console in
                let peer = try MemberBook(home: home.folder).ownPeerID()
                var record = JSONRecord()
                record.add("peer", peer.description)
                console.report(record, text: peer.description)
            }
        }
    }

    /// Makes an invite.
    struct Invite: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an invite: one line that the new member runs.",
            discussion: """
                Whoever runs it first is in, so send it where others don't read. It works while this \
                node or another one with the right to issue runs.
                """
        )

        @OptionGroup var terms: MembershipTermOptions

        @Option(help: "The nodes that the invite is good for.")
        var uses = 1

        @Option(help: "The hours within which it can be used.")
        var hours = 24

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withSharedConsole(output) { console in
                let invitation = try await MemberBook(home: home.folder).invite(
                    terms: terms.terms, useCountMax: uses, hourCount: hours)
                let code = invitation.code
                let until = MembersListCommand.text(ofSeconds: code.invite.notAfter)
                let join = invitation.joinLines.first ?? "ADDRESS"
                var record = JSONRecord()
                record.add("invite", code.text)
                record.add("not_after", Int(clamping: code.invite.notAfter))
                record.add("uses", Int(code.invite.useCountMax))
                record.add(
                    "join_lines", .array(invitation.joinLines.map { .string($0) }))
                console.report(
                    record,
                    text: "starling run --join \(join) --invite \(code.text) --data FILE  "
                        + "# until \(until), \(uses == 1 ? "one node" : "\(uses) nodes")")
            }
        }
    }

    /// Makes a certificate.
    struct Admit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a certificate for a node whose peer id is known.",
            discussion: """
                The node runs with --certificate FILE. A node that has one already gets more time \
                with the next.
                """
        )

        @Argument(help: "The node's peer id, as 'starling members id' prints it there.")
        var peer: String

        @OptionGroup var terms: MembershipTermOptions

        @Option(name: .customLong("out"), help: "The file to write; PEERID.cert unless set.")
        var file: String?

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withSharedConsole(output) { console in
                guard let peerID = PeerID(text: peer) else {
                    throw CommandFailure(
                        .nodeSettingUnusable, "'\(peer)' is no peer id; one begins with 12D3Koo.")
                }
                let path = file ?? "\(peerID).cert"
                let chain = try await MemberBook(home: home.folder).admit(
                    peerID, terms: terms.terms, into: URL(fileURLWithPath: path))
                var record = JSONRecord()
                record.add("path", path)
                record.add("peer", peerID.description)
                record.add("serial", chain.leaf.serialText)
                record.add("not_after", Int(clamping: chain.leaf.terms.notAfter))
                let until = MembersListCommand.text(ofSeconds: chain.leaf.terms.notAfter)
                console.report(
                    record, text: "\(path): \(peerID) is admitted until \(until)")
            }
        }
    }

    /// Revokes a certificate.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a membership; every member refuses the node as soon as it hears of it."
        )

        @Argument(help: "The node's peer id, or the serial of its certificate.")
        var subject: String

        @Option(help: "Why; every member and the node itself can read it.")
        var reason: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withSharedConsole(output) { console in
                let revocations = try await MemberBook(home: home.folder).revoke(
                    subject, reason: reason)
                var record = JSONRecord()
                let nodes = revocations.map { PeerID(publicKey: $0.node).description }
                record.add("revoked", .array(nodes.map { .string($0) }))
                console.report(
                    record,
                    text: nodes.isEmpty
                        ? "revoked already"
                        : nodes.map { "revoked \($0)" }.joined(separator: "\n"))
            }
        }
    }
}

/// What an issuer decides about a new member.
struct MembershipTermOptions: ParsableArguments {
    /// The rights, as the command line has them.
    enum Role: String, CaseIterable, ExpressibleByArgument {
        case train, witness, issue

        var roles: MemberRoles {
            switch self {
            case .train: .train
            case .witness: .witness
            case .issue: .issue
            }
        }
    }

    @Option(
        name: .customLong("org"),
        help: """
            The organisation that the node belongs to; in a secure sum of n at most (n - 1) / 3 \
            members are of one.
            """)
    var organisation = ""

    @Option(help: "How long the certificate holds.")
    var days = MembershipCertificate.standardDayCount

    @Option(
        name: .customLong("role"),
        help: """
            What the node may do: train, witness (follow and cosign logs only), issue (certificates \
            of its own); may be repeated. train and witness unless set.
            """)
    var roles: [Role] = []

    var terms: MemberBook.Terms {
        var terms = MemberBook.Terms()
        terms.organisation = organisation
        terms.dayCount = days
        if !roles.isEmpty { terms.roles = MemberRoles(roles.map(\.roles)) }
        return terms
    }
}
