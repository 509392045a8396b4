internal import ArgumentParser
internal import Foundation
internal import JSONDocuments
internal import LibP2P
internal import NodeServices

/// Prints what a node knows of peers.
struct PeersListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Print join lines, connections, the peer list, known peers and bans."
    )

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await withSharedConsole(output) { console in
            let listing = try await PeerBook(home: home.folder).read()
            console.report(Self.record(of: listing), text: Self.text(of: listing))
        }
    }

    private static func record(of listing: PeerBook.Listing) -> JSONRecord {
        var record = JSONRecord()
        func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
        record.add("running", .bool(listing.live != nil))
        record.add("join_lines", strings(listing.live?.told ?? []))
        record.add("configured", strings(listing.configured.map(\.description)))
        record.add("connected", strings(listing.live?.connections.map(\.peer) ?? []))
        record.add(
            "connections",
            .array(
                (listing.live?.connections ?? []).map { connection in
                    var item = JSONRecord()
                    item.add("peer", connection.peer)
                    item.add("address", connection.address)
                    item.add("dialled_by", connection.isDialer ? "node" : "peer")
                    item.add("relay", connection.relay.map { .string($0) } ?? .null)
                    item.add("seconds", connection.seconds)
                    item.add("agent", connection.agent.map { .string($0) } ?? .null)
                    item.add("streams", connection.streamCount)
                    item.add("held_bytes", connection.heldByteCount)
                    item.add("sent_bytes", Int(clamping: connection.sentByteCount))
                    item.add("received_bytes", Int(clamping: connection.receivedByteCount))
                    return item.value
                }))
        record.add(
            "known",
            .array(
                listing.known.map { known in
                    var item = JSONRecord()
                    item.add("peer", known.peer.description)
                    item.add("addresses", strings(known.addresses.map(\.description)))
                    item.add("last_seen_ms", Int(clamping: known.lastSeenMilliseconds))
                    item.add("successes", known.successCount)
                    item.add("failures", known.failureCount)
                    return item.value
                }))
        record.add(
            "banned",
            .array(
                listing.bans.map { ban in
                    var item = JSONRecord()
                    item.add("subject", ban.subject.description)
                    item.add("reason", ban.reason)
                    return item.value
                }))
        return record
    }

    private static func text(of listing: PeerBook.Listing) -> String {
        var lines: [String] = []
        if let live = listing.live {
            lines += live.told.map { "join line   \($0)" }
            for connection in live.connections {
                let way = connection.isDialer ? "to" : "from"
                lines.append(
                    "connected   \(connection.peer)  \(way) \(connection.address), "
                        + "\(Int(connection.seconds)) s, "
                        + "\(connection.agent.map { printable($0) } ?? "unidentified")")
            }
        }
        lines += listing.configured.map { "configured  \($0)" }
        lines += listing.known.map { known in
            let address = known.addresses.first.map { $0.removingPeerID().description } ?? "-"
            return "known       \(known.peer)  \(address), \(known.successCount) connections, "
                + "\(known.failureCount) failures"
        }
        lines += listing.bans.map { ban in
            "banned      \(ban.subject)\(ban.reason.isEmpty ? "" : "  \(ban.reason)")"
        }
        return lines.isEmpty
            ? "No peers yet; 'starling peers add ADDRESS' adds one."
            : lines.joined(separator: "\n")
    }

    /// A peer's words without what a terminal would obey.
    private static func printable(_ text: String) -> String {
        String(
            text.unicodeScalars.filter { $0.value >= 0x20 && $0.value < 0x7f }.prefix(64).map(
                Character.init))
    }
}
