internal import Cryptography
internal import Federation
internal import LibP2P
internal import NIOPosix
internal import Transports

/// Makes swarms of this node: one to ask for a manifest with, one to take part with.
struct SwarmFactory {
    /// The version that identify tells.
    static let agentVersion = "starling/0.1.0"
    /// The port that a node listens on unless told otherwise.
    static let standardPort = 7411

    let options: NodeOptions
    let identity: SigningKey
    let group: MultiThreadedEventLoopGroup

    /// The protocols that a peer is answered on before it is admitted.
    private static let openProtocols: Set<String> = [
        MembershipService.protocolID, GroupMessenger.Channel.group.protocolID,
    ]

    /// The swarm of a federation's member, at the addresses of the settings; what `admits` refuses
    /// gets no answer but about its membership.
    func swarm(
        of manifest: SignedManifest, admits: @escaping @Sendable (PeerID) -> Bool
    ) throws(NodeError) -> Swarm {
        let listen = try addresses(
            Self.listenTexts(options.settings.listen), of: "listen"
        )
        var configuration = try configuration(
            listen: listen, version: "/starling/\(manifest.digest.hexadecimal.prefix(32))/1"
        )
        configuration.relay = try options.settings.network.relay()
        configuration.circuitByteCountMin = UInt64(manifest.manifest.updateByteCountMax)
        configuration.mayServe = { peer, id in
            Self.openProtocols.contains(id) || admits(peer)
        }
        configuration.advertisedAddresses = try addresses(
            options.settings.advertise ?? [], of: "advertise"
        )
        return Swarm(
            configuration: configuration, eventLoopGroup: group, logger: options.logger
        )
    }

    /// The addresses to listen at; the one word `none` stands for no address.
    static func listenTexts(_ setting: [String]?) -> [String] {
        setting == ["none"] ? [] : setting ?? ["/ip4/0.0.0.0/tcp/\(standardPort)"]
    }

    /// A swarm that only dials, for a node that doesn't know its federation yet.
    func joiningSwarm() throws(NodeError) -> Swarm {
        Swarm(
            configuration: try configuration(listen: [], version: "/starling/joining/1"),
            eventLoopGroup: group, logger: options.logger
        )
    }

    private func configuration(
        listen: [Multiaddr], version: String
    ) throws(NodeError) -> SwarmConfiguration {
        var configuration = SwarmConfiguration(
            identity: identity, listenAddresses: listen, agentVersion: Self.agentVersion,
            protocolVersion: version, limits: try options.settings.network.limits()
        )
        configuration.instanceTag = NodeInstance.own
        configuration.networkKey = try options.settings.network.key()
        configuration.promptProtocolPrefixes += [
            GroupMessenger.Channel.group.protocolID, PeerExchange.protocolID,
            GroupMessenger.Channel.secureStatements.protocolID,
        ]
        return configuration
    }

    private func addresses(
        _ texts: [String], of setting: String
    ) throws(NodeError) -> [Multiaddr] {
        var addresses: [Multiaddr] = []
        for text in texts {
            do {
                addresses.append(try Multiaddr(text))
            } catch {
                throw NodeError(
                    .invalidInput,
                    "'\(text)' (\(setting)) is no address; write /ip4/0.0.0.0/tcp/7411.",
                    cause: error
                )
            }
        }
        return addresses
    }
}
