import LibP2P
import Transports

/// Relays for the command line: a relay, a node behind one, and a node that pings through one.
enum RelayProbe {
    /// Reserves at a relay and reports who comes through it, until the first of them has gone.
    static func listen(_ swarm: Swarm, behind text: String) async throws {
        let way = try Multiaddr(text)
        guard let relay = way.peerID else { throw SwarmProbe.ProbeError.usage }
        let (reservation, limit) = try await swarm.reserve(at: relay, address: way)
        let circuits = reservation.circuitAddresses(of: swarm.peerID, relay: relay, known: way)
        guard let circuit = circuits.first else { throw SwarmProbe.ProbeError.usage }
        swarm.setCircuitAddresses(circuits)
        SwarmProbe.line(
            "reserved",
            [
                "limit": "\(limit)", "voucher": "\(reservation.voucher != nil)",
                "addresses": "\(reservation.addresses.count)",
            ])
        SwarmProbe.emit("READY \(circuit)")
        for await event in swarm.events {
            switch event {
            case .identified(let peer, let message, _) where peer != relay:
                SwarmProbe.line(
                    "identified", ["peer": "\(peer)", "agent": message.agentVersion ?? ""])
                await SwarmProbe.ping(swarm, peer)
            case .disconnected(let peer, let reason) where peer != relay:
                SwarmProbe.line("disconnected", ["peer": "\(peer)", "reason": "\(reason)"])
                return
            default: break
            }
        }
    }

    /// Dials, pings, and sends until the circuit ends.
    static func exhaust(_ swarm: Swarm, _ text: String) async throws {
        let peer = try await swarm.dial(try Multiaddr(text))
        await SwarmProbe.ping(swarm, peer)
        do throws(TransportError) {
            let stream = try await swarm.openStream(to: peer, protocol: SwarmProbe.sinkProtocol)
            for _ in 0..<1_024 { try await stream.write([UInt8](repeating: 1, count: 16_384)) }
            SwarmProbe.line("ended", ["reason": "nothing has ended it"])
        } catch {
            SwarmProbe.line("ended", ["reason": "\(error)"])
        }
    }
}
