internal import ArgumentParser
internal import Foundation
internal import JSONDocuments
internal import LibP2P
internal import NodeServices

/// Works on a node's peer list.
struct PeersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peers",
        abstract: "List and add the peers that a node connects to.",
        subcommands: [List.self, Add.self],
        defaultSubcommand: List.self
    )

    /// Prints the list.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the configured addresses and the peers with a connection."
        )

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withSharedConsole(output) { console in
                let list = try PeerBook(home: home.folder).read()
                var record = JSONRecord()
                record.add("configured", .array(list.configured.map { .string($0.description) }))
                record.add("connected", .array(list.connected.map { .string($0) }))
                let lines =
                    list.configured.map { "configured  \($0)" }
                    + list.connected.map { "connected   \($0)" }
                console.report(
                    record,
                    text: lines.isEmpty
                        ? "No peers yet; 'starling peers add ADDRESS' adds one."
                        : lines.joined(separator: "\n")
                )
            }
        }
    }

    /// Adds addresses.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add addresses, or the addresses in a file, to the peer list.",
            discussion: "A running node reads its list when it starts."
        )

        @Argument(help: "Multiaddrs such as /ip4/203.0.113.5/tcp/7411/p2p/12D3…, or files of them.")
        var addresses: [String]

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withSharedConsole(output) { console in
                let added = try PeerBook(home: home.folder).add(addresses)
                var record = JSONRecord()
                record.add("added", added)
                console.report(record, text: "\(added) added")
            }
        }
    }
}
