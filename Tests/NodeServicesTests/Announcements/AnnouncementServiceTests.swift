import Cryptography
import Federation
import Foundation
import GossipLog
import LibP2P
import Logging
import NIOPosix
import Storage
import Testing
import Transports

@testable import NodeServices

@Suite(.timeLimit(.minutes(1))) struct AnnouncementServiceTests {
    /// A node with gossip and a store of its own; no federation runs on it.
    final class Speaker {
        let home: NodeHome
        let key: SigningKey
        let swarm: Swarm
        let service: AnnouncementService

        init(
            key: SigningKey, home: NodeHome, manifest: SignedManifest
        ) async throws {
            self.key = key
            self.home = home
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            swarm = Swarm(
                configuration: SwarmConfiguration(
                    identity: key, listenAddresses: [try Multiaddr("/ip4/127.0.0.1/tcp/0")],
                    agentVersion: "starling/test", protocolVersion: "/starling/test/1"),
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
            let store = try NodeStore(home: home, access: .readWrite)
            service = try await AnnouncementService(
                swarm: swarm, store: store, manifest: manifest, logger: logger)
            _ = try await swarm.start()
        }
    }

    private func home(_ name: String, in folder: URL) throws -> NodeHome {
        let home = NodeHome(path: folder.appending(path: name).path)
        try home.create()
        return home
    }

    @Test func `a result reaches a node that has no connection with its author`() async throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "announce-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let key = SigningKey.generate()
        let manifest = try SignedManifest(
            signing: try AnnouncementJudgeTests.manifest(author: key.publicKey), with: key)
        // A line: the author knows the middle one alone, and so does the last.
        let author = try await Speaker(
            key: key, home: try home("a", in: folder), manifest: manifest)
        let middle = try await Speaker(
            key: .generate(), home: try home("b", in: folder), manifest: manifest)
        let last = try await Speaker(
            key: .generate(), home: try home("c", in: folder), manifest: manifest)
        let speakers = [author, middle, last]
        let services = speakers.map(\.service)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in services { group.addTask { await service.run() } }
            let address = try #require(middle.swarm.listenAddresses.first)
            try await author.swarm.dial(address)
            try await last.swarm.dial(address)
            let report = RoundReport(
                round: 1, height: 7, participants: [], absences: [],
                adapterDigest: AnnouncementJudgeTests.object)
            // Again until the meshes are there; each is a message of its own.
            while last.service.heard.height == 0 {
                author.service.note(.federation(.roundCertified(report)))
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(last.service.heard.height == 7)
            #expect(!last.swarm.connectedPeers.contains(author.swarm.peerID))
            // A stranger's word goes no further than the first member.
            let before = author.service.heard.takenCount
            last.service.note(.federation(.roundCertified(report)))
            while middle.service.heard.refusedCount == 0 {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(author.service.heard.takenCount == before)
            #expect(author.service.heard.refusedCount == 0)
            for speaker in speakers { await speaker.swarm.shutdown() }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func `numbers never go back, and what was heard is known after a restart`()
        async throws
    {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "announce-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let home = try home("a", in: folder)
        let key = SigningKey.generate()
        let manifest = try SignedManifest(
            signing: try AnnouncementJudgeTests.manifest(author: key.publicKey), with: key)
        var bench = try AnnouncementJudgeTests.Bench()
        let head = try bench.treeHead(of: 1, size: 4, root: 1)
        _ = bench.hear(.treeHead(head), number: 900)
        let far = UInt64.max / 2
        do {
            let store = try NodeStore(home: home, access: .readWrite)
            try await store.setSetting(
                SettingKey.gossipFloor, AnnouncementMemory.bytes(of: far))
            try await store.keepAnnouncementMemory(
                floors: bench.judge.floors, treeHeads: bench.judge.treeHeads)
            let memory = try await store.announcementMemory(manifest: bench.manifest)
            #expect(memory.ownFloor == far)
            #expect(memory.floors == [bench.keys[1].publicKey: 900])
            #expect(memory.treeHeads.mapValues(\.bytes) == [bench.keys[1].publicKey: head])
            // Of another federation the head is not of a log that is known.
            let other = try await store.announcementMemory(manifest: manifest)
            #expect(other.treeHeads.isEmpty)
        }
        let speaker = try await Speaker(key: key, home: home, manifest: manifest)
        // The clock is far behind the floor, as after a clock was set back.
        #expect(speaker.service.nextSequenceNumber > far)
        await speaker.swarm.shutdown()
    }
}
