import Cryptography
import Federation
import Foundation
import GossipLog
import LibP2P
import Logging
import Testing

@testable import NodeServices

/// Members cosign each other's heads and keep what proves a fork.
@Suite struct WitnessServiceTests {
    private let ada: LogHome
    private let bela: LogHome
    private let network = MemoryNetwork()
    private let manifest: SignedManifest

    init() async throws {
        manifest = try LogHome.manifest()
        ada = try await LogHome(1, manifest: manifest)
        bela = try await LogHome(2, manifest: manifest)
    }

    private func witness(_ node: LogHome) throws -> WitnessService {
        let service = try WitnessService(
            manifest: manifest, identity: node.key, store: node.store, opener: network,
            logger: Logger(label: "test"))
        service.setMembers([ada.key.publicKey, bela.key.publicKey])
        let peer = PeerID(publicKey: node.key.publicKey)
        network.add(peer) { await service.serve($0, to: peer) }
        return service
    }

    private func cosigners(of node: LogHome) async throws -> [PublicKey] {
        let key = try NodeLog.key(manifest: manifest, member: node.key.publicKey)
        guard let note = try await node.store.cosignedTreeHead() else { return [] }
        let keys = try await node.store.witnessKeys(manifest: manifest).map(\.key)
        return try SignedTreeHead(bytes: note, key: key).cosigners(among: keys)
            .compactMap { NodeLog.member(origin: $0.key.name) }
    }

    private func forks(_ node: LogHome, against other: LogHome) async throws -> ForkAudit.Report {
        let (home, place) = (try node.copyFolder(), try other.copyFolder())
        defer {
            for copy in [home, place] { try? FileManager.default.removeItem(at: copy.folder) }
        }
        return try await ForkAudit.audit(
            home: home, against: place.folder.path, logger: Logger(label: "test"))
    }

    private func audit(_ node: LogHome) async throws -> NodeAudit.Report {
        let home = try node.copyFolder()
        defer { try? FileManager.default.removeItem(at: home.folder) }
        return try await NodeAudit.audit(home: home)
    }

    @Test func `a head is cosigned, and again when the log has grown`() async throws {
        let (first, _) = (try witness(ada), try witness(bela))
        await first.publish()
        #expect(try await ada.store.cosignedTreeHead() == nil)
        for count in [3, 300, 1] {
            try await ada.append(count)
            await first.publish()
            #expect(try await cosigners(of: ada) == [bela.key.publicKey])
        }
        let seen = try #require(try await bela.store.seenTreeHead(of: ada.key.publicKey))
        #expect(try await ada.store.publishedTreeHead()?.starts(with: seen.prefix(100)) == true)
        // A process that remembers nothing asks which size the witness knows.
        try await ada.append(2)
        await (try witness(ada)).publish()
        let report = try await forks(ada, against: bela)
        #expect(report.fork == nil, "\(report)")
        #expect(report.agreements.contains { $0.contains("306 entries continue the 306") })
    }

    @Test func `a log that was cut off is missed by whoever cosigned it`() async throws {
        let (first, _) = (try witness(ada), try witness(bela))
        try await ada.append(5)
        let old = try await LogHome(restoring: ada)
        try await ada.append(5)
        await first.publish()
        #expect(try await audit(old).isOK)
        let report = try await forks(old, against: bela)
        #expect(report.fork?.entryIndex == 5)
        #expect(report.fork?.reason.contains("cut off") == true)
        #expect(report.fork?.evidence == nil)
        // A copy of the whole log tells the same.
        #expect(try await forks(old, against: ada).fork?.entryIndex == 5)
        #expect(try await forks(ada, against: old).fork == nil)
    }

    @Test func `a rewritten log is proven to anybody`() async throws {
        let (first, _) = (try witness(ada), try witness(bela))
        try await ada.append(5)
        let other = try await LogHome(restoring: ada)
        try await ada.append(3)
        await first.publish()
        try await other.append(5, salt: 9)
        // The witness does not cosign the other history.
        await (try witness(other)).publish()
        #expect(try await other.store.cosignedTreeHead() == nil)
        #expect(try await audit(other).isOK)
        let fork = try #require(try await forks(other, against: bela).fork)
        #expect(fork.peer == PeerID(publicKey: ada.key.publicKey).description)
        try ForkEvidence(bytes: try #require(fork.evidence)).verify()
        // With both copies the entry itself is named.
        let copies = try #require(try await forks(other, against: ada).fork)
        #expect(copies.entryIndex == 5)
        var evidence = try #require(copies.evidence)
        let file = ada.home.folder.appending(path: "fork")
        try Data(evidence).write(to: file)
        #expect(ForkVerification.isEvidence(path: file.path))
        let verified = try ForkVerification.verify(path: file.path)
        #expect(verified.member == ada.key.publicKey)
        #expect(verified.entryIndex == 5)
        evidence[evidence.count / 2] ^= 1
        try Data(evidence).write(to: file)
        #expect(throws: NodeError.self) { try ForkVerification.verify(path: file.path) }
    }

    @Test func `a second head of one size is kept as evidence in the log`() async throws {
        let second = try witness(bela)
        try await ada.append(4)
        let other = try await LogHome(1, manifest: manifest)
        try await other.append(4, salt: 3)
        for node in [ada, other] {
            let head = try #require(try await node.store.publishedTreeHead())
            let old: UInt64 = node === ada ? 0 : 4
            _ = try await second.answer(
                to: CheckpointRequest(oldSize: old, hashes: [], note: head).bytes)
        }
        let forks = try await bela.store.forks()
        #expect(forks.count == 1)
        try ForkEvidence(bytes: forks[0]).verify()
        let report = try await audit(bela)
        #expect(report.isOK && report.entryCount == 1)
    }

    @Test func `heads of strangers and messages of no kind are refused`() async throws {
        let second = try witness(bela)
        let stranger = try await LogHome(7, manifest: manifest)
        try await stranger.append(2)
        let head = try #require(try await stranger.store.publishedTreeHead())
        let request = CheckpointRequest(oldSize: 0, hashes: [], note: head)
        #expect(try await second.answer(to: request.bytes) == CheckpointAnswer.unknownLog.bytes)
        #expect(try await second.answer(to: [1, 2, 3]) == CheckpointAnswer.malformed.bytes)
        let malformed = CheckpointRequest(oldSize: 0, hashes: [], note: [1])
        #expect(try await second.answer(to: malformed.bytes) == CheckpointAnswer.malformed.bytes)
        #expect(try await second.answer(to: LogQuery.head.bytes) == [])
        let beyond = LogQuery.consistency(older: 1, newer: 99)
        #expect(try await second.answer(to: beyond.bytes) == [])
        #expect(try await second.answer(to: LogQuery.leaf(index: 0, size: 9).bytes) == [])
    }
}
