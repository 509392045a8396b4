import Cryptography
import Federation
import Foundation
import GossipLog
import Logging
import Testing

@testable import NodeServices

/// The log as a folder of tiles.
@Suite struct LogExportTests {
    private let manifest: SignedManifest
    private let ada: LogHome

    init() async throws {
        manifest = try LogHome.manifest()
        ada = try await LogHome(1, manifest: manifest)
    }

    private func forks(_ node: LogHome, against path: String) async throws -> ForkAudit.Report {
        let home = try node.copyFolder()
        defer { try? FileManager.default.removeItem(at: home.folder) }
        return try await ForkAudit.audit(home: home, against: path, logger: Logger(label: "test"))
    }

    @Test func `an exported log is read again and compared`() async throws {
        try await ada.append(600)
        let path = ada.home.folder.appending(path: "tiles").path
        let source = try ada.copyFolder()
        defer { try? FileManager.default.removeItem(at: source.folder) }
        let report = try await LogExport.write(home: source, to: path)
        #expect(report.entryCount == 600)
        for name in [
            "checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2",
            "tile/entries/000", "tile/entries/002.p/88",
        ] {
            #expect(FileManager.default.fileExists(atPath: path + "/" + name), "\(name)")
        }
        let (member, copy) = try TileFolder(path: path).copy(manifest: manifest)
        #expect(member == ada.key.publicKey)
        #expect(copy.tiles.size == 600)
        await #expect(throws: NodeError.self) {
            try await LogExport.write(home: source, to: path)
        }
        try await ada.append(2)
        #expect(try await forks(ada, against: path).fork == nil)
        // Another history of the same node.
        let other = try await LogHome(1, manifest: manifest)
        try await other.append(300)
        try await other.append(300, salt: 1)
        #expect(try await forks(other, against: path).fork?.entryIndex == 0)
        // A changed entry is named before anything is compared.
        let file = URL(filePath: path + "/tile/entries/001")
        var bytes = [UInt8](try Data(contentsOf: file))
        bytes[2 + 20] ^= 1
        try Data(bytes).write(to: file)
        #expect {
            try TileFolder(path: path).copy(manifest: manifest)
        } throws: { error in
            (error as? NodeError)?.message.contains("entry 256:") == true
        }
    }

    @Test func `a proof of one entry holds for others`() async throws {
        try await ada.append(9)
        let home = try ada.copyFolder()
        defer { try? FileManager.default.removeItem(at: home.folder) }
        let made = try await EntryProof.make(home: home, index: 4)
        try LogProof(bytes: made.proof).verify(leaf: made.leaf, key: try NoteKey(text: made.key))
        await #expect(throws: NodeError.self) {
            try await EntryProof.make(home: home, index: 9)
        }
    }
}
