internal import ArgumentParser
internal import Foundation
internal import JSONDocuments
internal import LibP2P
internal import NodeServices

/// Dials a peer and measures how fast it answers.
struct PeersPingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping",
        abstract: "Dial a peer and measure how fast it answers.",
        discussion: """
            The peer sees a stranger of the moment, so a running node is not disturbed. Of a peer id \
            the addresses are taken from the peer list, the running node and the peers it has heard of.
            """
    )

    @Argument(help: "A multiaddr or a peer id.")
    var peer: String

    @Option(help: "How often.")
    var count = 3

    @Option(help: ArgumentHelp("The key of a private network.", valueName: "file"))
    var networkKey: String?

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...100).contains(count) else {
            throw ValidationError("--count is \(count); give 1 to 100.")
        }
    }

    func run() async throws {
        try await withSharedConsole(output) { console in
            let addresses = try await PeerBook(home: home.folder).addresses(of: peer)
            var flags = NetworkSettings()
            flags[.networkKey] = networkKey
            let settings = flags.filled(
                from: try NodeSettings.environment(ProcessInfo.processInfo.environment).network
            ).filled(from: try NodeSettings.file(at: home.folder.settingsFile.path).network)
            let answer = try await PeerPing(settings: settings).ping(addresses, count: count)
            console.report(Self.record(of: answer), text: Self.text(of: answer))
        }
    }

    private static func record(of answer: PeerPing.Answer) -> JSONRecord {
        var record = JSONRecord()
        record.add("peer", answer.peer.description)
        record.add("address", answer.address.description)
        record.add(
            "round_trip_ms", .array(answer.roundTrips.map { .number($0 / .milliseconds(1)) }))
        record.add("agent", answer.agentVersion.map { .string($0) } ?? .null)
        record.add("protocol_version", answer.protocolVersion.map { .string($0) } ?? .null)
        record.add(
            "observed_address", answer.observedAddress.map { .string($0.description) } ?? .null)
        return record
    }

    private static func text(of answer: PeerPing.Answer) -> String {
        let times = answer.roundTrips.map { ($0 / .milliseconds(1)).text(places: 2) + " ms" }
        var lines = ["\(answer.peer) at \(answer.address): \(times.joined(separator: ", "))"]
        if let observed = answer.observedAddress {
            lines.append("it sees this machine at \(observed)")
        }
        return lines.joined(separator: "\n")
    }
}
