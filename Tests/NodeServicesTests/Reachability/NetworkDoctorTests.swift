import Cryptography
import Foundation
import LibP2P
import Logging
import NIOPosix
import Testing
import Transports

@testable import NodeServices

@Suite(.timeLimit(.minutes(1))) struct NetworkDoctorTests {
    /// A node that answers checks, as a running starling does.
    private func makePeer(
        key: SigningKey = .generate(), networkKey: NetworkKey? = nil, tag: String? = nil,
        clock: ServiceClock = .system
    ) async throws -> (swarm: Swarm, address: Multiaddr) {
        var configuration = SwarmConfiguration(
            identity: key, listenAddresses: [try Multiaddr("/ip4/127.0.0.1/tcp/0")],
            agentVersion: "starling/test", protocolVersion: "/starling/test/1")
        configuration.networkKey = networkKey
        configuration.instanceTag = tag
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let swarm = Swarm(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger)
        ReachabilityService(
            swarm: swarm, networkKey: networkKey, clock: clock, logger: logger
        ).register()
        let address = try #require(try await swarm.start().first)
        return (swarm, address)
    }

    private func withHome(_ body: (NodeHome) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "doctor-\(UUID().uuidString)")
        let home = NodeHome(path: folder.path)
        try home.create()
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(home)
    }

    private func settings(listen: String = "/ip4/127.0.0.1/tcp/0") -> NodeSettings {
        var settings = NodeSettings()
        settings.listen = [listen]
        return settings
    }

    private func outcomes(
        _ checks: [NetworkCheck]
    ) -> [NetworkCheck.Subject: NetworkCheck.Outcome] {
        Dictionary(checks.map { ($0.subject, $0.outcome) }) { first, _ in first }
    }

    private func check(
        _ subject: NetworkCheck.Subject, in checks: [NetworkCheck]
    ) throws -> NetworkCheck {
        try #require(checks.first { $0.subject == subject })
    }

    @Test func `a node that is right passes every check`() async throws {
        try await withHome { home in
            _ = try IdentityFile.loadOrCreate(at: home.identityFile)
            let peer = try await makePeer()
            let checks = await NetworkDoctor(
                home: home, settings: settings(), peers: [peer.address]
            ).run()
            #expect(
                outcomes(checks) == [
                    .key: .passed, .bind: .passed, .peers: .passed, .reachable: .passed,
                    .clock: .passed, .identity: .passed,
                ], "\(checks)")
            await peer.swarm.shutdown()
        }
    }

    @Test func `a machine without a key yet is told of a wrong address, too`() async throws {
        try await withHome { home in
            let peer = try await makePeer()
            var settings = settings()
            let doctor = { NetworkDoctor(home: home, settings: settings, peers: [peer.address]) }
            #expect(try check(.reachable, in: await doctor().run()).outcome == .passed)
            settings.advertise = ["/ip4/203.0.113.77/tcp/7411"]
            #expect(try check(.reachable, in: await doctor().run()).outcome == .failed)
            #expect(!FileManager.default.fileExists(atPath: home.identityFile.path))
            await peer.swarm.shutdown()
        }
    }

    @Test func `a wrong told address is named with what to tell instead`() async throws {
        try await withHome { home in
            _ = try IdentityFile.loadOrCreate(at: home.identityFile)
            let peer = try await makePeer()
            var settings = settings()
            // Of another host than the one that asks: never dialled.
            settings.advertise = ["/ip4/203.0.113.77/tcp/7411"]
            let checks = await NetworkDoctor(
                home: home, settings: settings, peers: [peer.address]
            ).run()
            let reachable = try check(.reachable, in: checks)
            #expect(reachable.outcome == .failed)
            #expect(reachable.finding.contains("/ip4/203.0.113.77/tcp/7411"))
            #expect(reachable.repair.contains("--advertise /ip4/127.0.0.1/tcp/7411"))

            // Of this host, but another node is there.
            try await Task.sleep(for: .milliseconds(1))
            let other = try await makePeer()
            settings.advertise = [other.address.removingPeerID().description]
            let second = await NetworkDoctor(
                home: home, settings: settings, peers: [other.address]
            ).run()
            let found = try check(.reachable, in: second)
            #expect(found.outcome == .failed && found.finding.contains("another peer answers"))
            await peer.swarm.shutdown()
            await other.swarm.shutdown()
        }
    }

    @Test func `a port in use, a bad address and a bad key are named`() async throws {
        try await withHome { home in
            try Data("no key".utf8).write(to: home.identityFile)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: home.identityFile.path)
            let peer = try await makePeer()
            let port = peer.address.removingPeerID().description
            let checks = await NetworkDoctor(home: home, settings: settings(listen: port)).run()
            let bind = try check(.bind, in: checks)
            #expect(bind.outcome == .failed && bind.repair.contains("--listen"), "\(bind)")
            let key = try check(.key, in: checks)
            #expect(key.outcome == .failed && key.finding.contains(home.identityFile.path))
            #expect(try check(.peers, in: checks).outcome == .skipped)
            let bad = await NetworkDoctor(
                home: home, settings: settings(listen: "here"), peers: []
            ).run()
            #expect(try check(.bind, in: bad).finding.contains("'here'"))
            await peer.swarm.shutdown()
        }
    }

    @Test func `peers that don't answer are named, each with its reason`() async throws {
        try await withHome { home in
            _ = try IdentityFile.loadOrCreate(at: home.identityFile)
            let gone = try await makePeer()
            await gone.swarm.shutdown()
            let locked = try await makePeer(networkKey: .generate())
            let checks = await NetworkDoctor(
                home: home, settings: settings(), peers: [gone.address, locked.address]
            ).run()
            let peers = try check(.peers, in: checks)
            #expect(peers.outcome == .failed)
            #expect(peers.finding.contains("nothing listens at \(gone.address)"))
            #expect(peers.finding.contains("--network-key"), "\(peers)")
            #expect(try check(.clock, in: checks).outcome == .skipped)
            await locked.swarm.shutdown()
        }
    }

    @Test(arguments: [(-300, NetworkCheck.Outcome.failed), (20, .warning), (1, .passed)])
    func `a clock that is off is told by how much`(
        seconds: Int, expected: NetworkCheck.Outcome
    ) async throws {
        try await withHome { home in
            _ = try IdentityFile.loadOrCreate(at: home.identityFile)
            let system = ServiceClock.system
            let clock = ServiceClock(
                now: system.now,
                unixMilliseconds: {
                    UInt64(Int64(system.unixMilliseconds()) + Int64(seconds) * 1_000)
                }, sleep: system.sleep)
            let peer = try await makePeer(clock: clock)
            let checks = await NetworkDoctor(
                home: home, settings: settings(), peers: [peer.address]
            ).run()
            let found = try check(.clock, in: checks)
            #expect(found.outcome == expected, "\(found)")
            #expect(found.finding.contains(seconds < 0 ? "behind" : "ahead of"))
            #expect(found.repair.isEmpty == (expected == .passed))
            await peer.swarm.shutdown()
        }
    }

    @Test func `another node with the same key is found where this one does not run`()
        async throws
    {
        try await withHome { home in
            let key = try IdentityFile.loadOrCreate(at: home.identityFile)
            let peer = try await makePeer()
            let copy = try await makePeer(key: key, tag: "00c0ffee")
            try await copy.swarm.dial(peer.address)
            while peer.swarm.snapshot().connections.first?.agentVersion == nil {
                await Task.yield()
            }
            let checks = await NetworkDoctor(
                home: home, settings: settings(), peers: [peer.address]
            ).run()
            let identity = try check(.identity, in: checks)
            #expect(identity.outcome == .failed, "\(identity)")
            #expect(identity.finding.contains("\(peer.swarm.peerID)"))
            await peer.swarm.shutdown()
            await copy.swarm.shutdown()
        }
    }

    @Test func `questions are answered once in ten seconds, and never about other hosts`()
        async throws
    {
        let peer = try await makePeer()
        let asker = try await makePeer()
        try await asker.swarm.dial(peer.address)
        let key = SigningKey.generate()
        let record = PeerRecord(
            peerID: PeerID(publicKey: key.publicKey), sequenceNumber: 1,
            addresses: [
                try Multiaddr("/ip4/203.0.113.9/tcp/22"), try Multiaddr("/dns/localhost/tcp/1"),
            ])
        let signed = try SignedPeerRecord(envelope: record.sealed(by: key).bytes)
        let ask = ReachabilityAsker(streams: asker.swarm)
        let reply = try await ask.ask(peer.swarm.peerID, about: signed, roundTrip: .zero)
        #expect(reply.answer.trials.first?.outcome == .foreignHost)
        #expect(reply.answer.trials.count == 2)
        #expect(reply.answer.observedAddress?.tcpEndpoint?.host == "127.0.0.1")
        await #expect(throws: TransportError.self) {
            _ = try await ask.ask(peer.swarm.peerID, about: nil, roundTrip: .zero)
        }
        await peer.swarm.shutdown()
        await asker.swarm.shutdown()
    }
}
