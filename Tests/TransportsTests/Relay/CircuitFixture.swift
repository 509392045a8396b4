import LibP2P
import Testing

@testable import Transports

/// Relays, and nodes that listen nowhere.
enum CircuitFixture {
    /// A swarm that is a relay for others.
    static func relay(
        seed: UInt8? = nil, listens: [String] = ["/ip4/127.0.0.1/tcp/0"],
        networkKey: NetworkKey? = nil,
        change: (inout RelayHopSettings) -> Void = { _ in }
    ) async throws -> Swarm {
        var settings = RelayHopSettings()
        change(&settings)
        return try await SwarmFixture.make(
            seed: seed, listens: listens, networkKey: networkKey, relay: settings)
    }

    /// A relay, and two nodes that only dial.
    static func three(
        networkKey: NetworkKey? = nil, change: (inout RelayHopSettings) -> Void = { _ in }
    ) async throws -> (relay: Swarm, target: Swarm, dialer: Swarm) {
        (
            try await relay(networkKey: networkKey, change: change),
            try await SwarmFixture.make(listens: [], networkKey: networkKey),
            try await SwarmFixture.make(listens: [], networkKey: networkKey)
        )
    }
}
