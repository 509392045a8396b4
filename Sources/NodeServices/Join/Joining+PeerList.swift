internal import Federation
internal import LibP2P
internal import Logging
internal import Transports

extension Joining {
    /// How many addresses of the list are tried.
    private static let candidateCountMax = 8

    /// The same with an address of the peer list in place of the join line, where there is none and
    /// the home lacks the manifest or the base model.
    ///
    /// The list is tried in random order, so that newcomers do not all come to its first line.
    ///
    /// - Throws: ``NodeError``: `invalidInput` for a list that can't be read, `network` with a reason
    ///   for each address when nobody answers.
    func throughPeerList() async throws(NodeError) -> Joining {
        guard options.join == nil else { return self }
        if let manifest = try await store.manifest(),
            try await ModelLibrary(store: store).record(manifest.manifest.baseModelDigest) != nil
        {
            return self
        }
        let addresses = try PeerBook(home: options.home).configured()
        guard !addresses.isEmpty else { return self }
        var sentences: [String] = []
        let hasNetworkKey = try options.settings.network.key() != nil
        for address in addresses.shuffled().prefix(Self.candidateCountMax) {
            let swarm = try factory.joiningSwarm()
            do throws(TransportError) {
                _ = try await swarm.start()
                try await swarm.dial(address)
                await swarm.shutdown()
                var found = options
                found.join = address
                return Joining(options: found, identity: identity, store: store, group: group)
            } catch {
                await swarm.shutdown()
                sentences.append(error.sentence(dialling: address, hasNetworkKey: hasNetworkKey))
            }
        }
        throw NodeError(
            .network, "Nobody of the peer list answers: " + sentences.joined(separator: "; ") + ".")
    }
}
