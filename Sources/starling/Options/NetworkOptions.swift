internal import ArgumentParser
internal import NodeServices

/// What a person may set of a node's network beyond its addresses.
struct NetworkOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The key of a private network; without the same key no connection comes about.",
            valueName: "file"))
    var networkKey: String?

    @Option(help: "Connections of the node; 192 unless set.")
    var maxConnections: Int?

    @Option(help: "Inbound connections from one IP address; 8 unless set.")
    var maxConnectionsPerAddress: Int?

    @Option(help: "Streams that one peer may have open; 256 unless set.")
    var maxStreamsPerPeer: Int?

    @Option(help: "Streams that one peer may open in a second; 50 unless set.")
    var maxStreamOpens: Int?

    @Option(help: "Memory for windows and unread bytes of all peers; 256MiB unless set.")
    var maxNetworkMemory: String?

    @Option(help: "Memory for windows and unread bytes of one peer; 64MiB unless set.")
    var maxPeerMemory: String?

    @Option(help: "Bytes a second to all peers, such as 4MB; no bound unless set.")
    var maxUpload: String?

    @Option(help: "Bytes a second from all peers, such as 4MB; no bound unless set.")
    var maxDownload: String?

    @Flag(help: "Be a relay: peers that nobody can dial are reached through this node.")
    var relayService = false

    @Option(help: "Bytes through one circuit of this relay, each way; 4GiB unless set.")
    var relayMaxData: String?

    @Option(help: "Minutes that a circuit of this relay lasts; 120 unless set.")
    var relayMaxMinutes: Int?

    @Option(help: "Peers that are reachable through this relay at a time; 128 unless set.")
    var relayMaxPeers: Int?

    /// The settings that flags give.
    var settings: NetworkSettings {
        var settings = NetworkSettings()
        settings[.networkKey] = networkKey
        settings[.connectionCountMax] = maxConnections.map(String.init)
        settings[.connectionCountMaxPerAddress] = maxConnectionsPerAddress.map(String.init)
        settings[.streamCountMaxPerPeer] = maxStreamsPerPeer.map(String.init)
        settings[.streamOpenRate] = maxStreamOpens.map(String.init)
        settings[.memory] = maxNetworkMemory
        settings[.memoryPerPeer] = maxPeerMemory
        settings[.upload] = maxUpload
        settings[.download] = maxDownload
        settings[.relayService] = relayService ? "true" : nil
        settings[.relayData] = relayMaxData
        settings[.relayMinutes] = relayMaxMinutes.map(String.init)
        settings[.relayPeers] = relayMaxPeers.map(String.init)
        return settings
    }
}
