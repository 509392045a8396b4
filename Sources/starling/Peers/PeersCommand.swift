internal import ArgumentParser
internal import Foundation
internal import JSONDocuments
internal import LibP2P
internal import NodeServices

/// Works on a node's peers, beside a running node or without one.
struct PeersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peers",
        abstract: "List, add, remove, ban and ping the peers of a node.",
        discussion: "A running node follows changes of its list and its bans within a second.",
        subcommands: [
            PeersListCommand.self, Add.self, Remove.self, BanCommand.self, Unban.self,
            PeersPingCommand.self, NewKey.self,
        ],
        defaultSubcommand: PeersListCommand.self
    )

    /// Adds addresses.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add addresses, or the addresses in a file, to the peer list."
        )

        @Argument(help: "Multiaddrs such as /ip4/203.0.113.5/tcp/7411/p2p/12D3…, or files of them.")
        var addresses: [String]

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withSharedConsole(output) { console in
                let count = try PeerBook(home: home.folder).add(addresses)
                console.reportCount(count, "added")
            }
        }
    }

    /// Removes addresses.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove addresses, or all addresses of a peer, from the peer list."
        )

        @Argument(help: "Multiaddrs of the list, or peer ids.")
        var peers: [String]

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withSharedConsole(output) { console in
                let count = try PeerBook(home: home.folder).remove(peers)
                console.reportCount(count, "removed")
            }
        }
    }

    /// Bans peers and addresses.
    struct BanCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ban",
            abstract: "Neither dial nor accept a peer or a range of addresses.",
            discussion: "Connections with whom a ban names are closed."
        )

        @Argument(help: "Peer ids, IP addresses, or ranges such as 203.0.113.0/24.")
        var subjects: [String]

        @Option(help: "Why, for whoever reads the list later.")
        var reason = ""

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withSharedConsole(output) { console in
                let count = try PeerBook(home: home.folder).ban(subjects, reason: reason)
                console.reportCount(count, "banned")
            }
        }
    }

    /// Lifts bans.
    struct Unban: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lift bans.")

        @Argument(help: "What 'peers list' shows as banned.")
        var subjects: [String]

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withSharedConsole(output) { console in
                let count = try PeerBook(home: home.folder).unban(subjects)
                console.reportCount(count, "unbanned")
            }
        }
    }

    /// Makes the key of a private network.
    struct NewKey: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the key of a private network.",
            discussion: """
                Every member gets the file and runs with --network-key FILE. Who has it can connect \
                and nothing more: it is no membership.
                """
        )

        @Argument(help: "The file to write.")
        var file: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withSharedConsole(output) { console in
                let fingerprint = try NetworkKeyFile.create(path: file)
                var record = JSONRecord()
                record.add("path", file)
                record.add("fingerprint", fingerprint)
                console.report(record, text: "\(file): network key \(fingerprint)")
            }
        }
    }
}

extension SharedConsole {
    /// Reports how many there were.
    fileprivate func reportCount(_ count: Int, _ word: String) {
        var record = JSONRecord()
        record.add(word, count)
        report(record, text: "\(count) \(word)")
    }
}
