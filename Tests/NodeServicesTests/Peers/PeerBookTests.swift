import Cryptography
import Foundation
import LibP2P
import Storage
import Testing
import Transports

@testable import NodeServices

@Suite struct PeerBookTests {
    static let peer = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5"

    /// A home of its own, which is removed afterwards.
    private func withHome(_ body: (NodeHome, PeerBook) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "peerbook-\(UUID().uuidString)")
        let home = NodeHome(path: folder.path)
        try home.create()
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(home, PeerBook(home: home))
    }

    private func expect(
        _ code: NodeError.Code, _ part: String, _ body: () async throws -> Void
    ) async {
        do {
            try await body()
            Issue.record("nothing was wrong")
        } catch let error as NodeError {
            #expect(error.code == code && error.message.contains(part), "\(error)")
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func `removing takes one address, or all of a peer, and leaves comments`() async throws {
        try await withHome { home, book in
            let text = """
                # the hospitals
                /ip4/10.0.0.7/tcp/7411/p2p/\(Self.peer)  # first
                /dns/node.example/tcp/7411
                /ip4/10.0.0.8/tcp/7411/p2p/\(Self.peer)

                # the end
                """
            try Data(text.utf8).write(to: home.peerList)
            #expect(try book.remove(["/dns/node.example/tcp/7411"]) == 1)
            #expect(try book.configured().count == 2)
            #expect(try book.remove([Self.peer]) == 2)
            #expect(try book.configured().isEmpty)
            let left = try String(contentsOf: home.peerList, encoding: .utf8)
            #expect(left == "# the hospitals\n\n# the end")
            #expect(try book.add(["/ip4/10.0.0.9/tcp/1"]) == 1)
            #expect(try book.configured().map(\.description) == ["/ip4/10.0.0.9/tcp/1"])
        }
    }

    @Test func `what can't be removed is named and nothing is`() async throws {
        try await withHome { home, book in
            _ = try book.add(["/ip4/10.0.0.7/tcp/7411", "/ip4/10.0.0.8/tcp/7411"])
            await expect(.notFound, "/ip4/10.0.0.9/tcp/1") {
                _ = try book.remove(["/ip4/10.0.0.7/tcp/7411", "/ip4/10.0.0.9/tcp/1"])
            }
            await expect(.notFound, Self.peer) { _ = try book.remove([Self.peer]) }
            await expect(.invalidInput, "nonsense") { _ = try book.remove(["nonsense"]) }
            #expect(try book.configured().count == 2)
        }
    }

    @Test func `what can't be added is named and nothing is`() async throws {
        try await withHome { home, book in
            for bad in ["/ip4/1.2.3.4/udp/1/quic-v1", "/ip4/0.0.0.0/tcp/1", "no-file"] {
                await expect(.invalidInput, bad) {
                    _ = try book.add(["/ip4/10.0.0.7/tcp/7411", bad])
                }
            }
            let file = home.folder.appending(path: "list.txt")
            try Data("/ip4/1.2.3.4/tcp/5\n/ip4/1.2.3/tcp/5\n".utf8).write(to: file)
            await expect(.invalidInput, "line 2") { _ = try book.add([file.path]) }
            #expect(try book.configured().isEmpty)
        }
    }

    @Test func `bans keep their reasons, are lifted one by one, and never name the node`()
        async throws
    {
        try await withHome { home, book in
            let own = try IdentityFile.loadOrCreate(at: home.identityFile)
            #expect(try book.ban([Self.peer, "203.0.113.0/24"], reason: "floods\nus") == 2)
            #expect(try book.ban([Self.peer]) == 0)
            let bans = try BanListFile.read(path: home.banList.path)
            #expect(bans.map(\.subject.description) == [Self.peer, "203.0.113.0/24"])
            #expect(bans.map(\.reason) == ["floods us", "floods us"])
            let ownID = PeerID(publicKey: own.publicKey).description
            await expect(.invalidInput, "this node itself") { _ = try book.ban([ownID]) }
            await expect(.invalidInput, "1.2.3.4/40") { _ = try book.ban(["1.2.3.4/40"]) }
            await expect(.notFound, "1.2.3.4") { _ = try book.unban([Self.peer, "1.2.3.4"]) }
            #expect(try BanListFile.read(path: home.banList.path).count == 2)
            #expect(try book.unban([Self.peer]) == 1)
            let listing = try await book.read()
            #expect(listing.bans.map(\.subject.description) == ["203.0.113.0/24"])
            #expect(listing.live == nil && listing.known.isEmpty)
        }
    }

    @Test func `a ban list that can't be read names its line`() async {
        await expect(.invalidInput, "a/b, line 2: 'example.org'") {
            _ = try BanListFile.parse(Array("# no\nexample.org\n".utf8), path: "a/b")
        }
        await expect(.invalidInput, "line 1") {
            _ = try BanListFile.parse([0xff], path: "a")
        }
        let many = (0...4_096).map { "10.0.\($0 / 256).\($0 % 256)" }.joined(separator: "\n")
        await expect(.invalidInput, "4096") {
            _ = try BanListFile.parse(Array(many.utf8), path: "a")
        }
    }

    @Test func `a peer is dialled by what the list and the view know of it`() async throws {
        try await withHome { home, book in
            let key = SigningKey.generate()
            let peer = PeerID(publicKey: key.publicKey)
            await expect(.notFound, peer.description) {
                _ = try await book.addresses(of: peer.description)
            }
            _ = try book.add(["/ip4/10.0.0.7/tcp/1/p2p/\(peer)", "/ip4/10.0.0.8/tcp/1"])
            let record = PeerRecord(
                peerID: peer, sequenceNumber: 1,
                addresses: [try Multiaddr("/ip4/10.0.0.9/tcp/2")])
            var view = PassiveView()
            view.insert(
                try SignedPeerRecord(envelope: record.sealed(by: key).bytes), atMilliseconds: 1)
            do {
                let store = try NodeStore(home: home, access: .readWrite)
                try await store.setSetting(SettingKey.passiveView, view.bytes)
            }
            let addresses = try await book.addresses(of: peer.description)
            #expect(
                addresses.map(\.description) == [
                    "/ip4/10.0.0.7/tcp/1/p2p/\(peer)", "/ip4/10.0.0.9/tcp/2/p2p/\(peer)",
                ])
            let plain = try await book.addresses(of: "/dns/node.example/tcp/7411")
            #expect(plain.map(\.description) == ["/dns/node.example/tcp/7411"])
            await expect(.invalidInput, "hello") { _ = try await book.addresses(of: "hello") }
            let known = try await book.read().known
            #expect(known.map(\.peer) == [peer])
        }
    }

    @Test func `durable files are whole, private, and leave nothing beside them`() async throws {
        try await withHome { home, _ in
            let file = home.folder.appending(path: "bytes")
            let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
            for content in [bytes, [], Array(bytes.prefix(5))] {
                try DurableFile.write(content, to: file)
                #expect(try [UInt8](Data(contentsOf: file)) == content)
            }
            let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            let left = try FileManager.default.contentsOfDirectory(atPath: home.folder.path)
            #expect(left == ["bytes"])
            #expect(throws: DurableFile.Failure.self) {
                try DurableFile.write([1], to: home.folder.appending(path: "none/file"))
            }
        }
    }
}
