import Foundation
import LibP2P
import NodeServices
import Testing

@Suite struct PeerListFileTests {
    static let id = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5"

    @Test func `comments and blank lines are left out and each address is taken once`() throws {
        let text = """
            # bootstrap

            /ip4/10.0.0.7/tcp/7411/p2p/\(Self.id)  # the first site
              /dns/node.example/tcp/7411\r
            /ip4/10.0.0.7/tcp/7411/p2p/\(Self.id)
            """
        let addresses = try PeerListFile.parse(Array(text.utf8), path: "list")
        #expect(
            addresses.map(\.description) == [
                "/ip4/10.0.0.7/tcp/7411/p2p/\(Self.id)", "/dns/node.example/tcp/7411",
            ])
        #expect(try PeerListFile.parse([], path: "list").isEmpty)
    }

    @Test func `an error names file and line`() throws {
        #expect {
            try PeerListFile.parse(Array("\n\n/ip4/1.2.3/tcp/1\n".utf8), path: "a/b")
        } throws: { error in
            guard case .invalidAddress("a/b", 3, "/ip4/1.2.3/tcp/1", _) = error as? PeerListError
            else { return false }
            return true
        }
        #expect(throws: PeerListError.notUTF8(path: "a", line: 2)) {
            try PeerListFile.parse([0x0a, 0xff, 0x0a], path: "a")
        }
        for text in ["/ip4/1.2.3.4/udp/1/quic-v1", "/ip4/0.0.0.0/tcp/1"] {
            #expect(
                throws: PeerListError.notDialable(
                    path: "a", line: 1, address: try Multiaddr(text))
            ) {
                try PeerListFile.parse(Array(text.utf8), path: "a")
            }
        }
        let many = (0...4096).map { "/ip4/10.0.\($0 / 256).\($0 % 256)/tcp/1" }
        #expect(throws: PeerListError.tooManyAddresses(path: "a", line: 4097, countMax: 4096)) {
            try PeerListFile.parse(Array(many.joined(separator: "\n").utf8), path: "a")
        }
    }

    @Test func `files are read, and what cannot be read is named`() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "peers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "list.txt")
        try Data("/ip4/1.2.3.4/tcp/5\n".utf8).write(to: file)
        #expect(try PeerListFile.read(path: file.path).count == 1)
        let none = folder.appending(path: "none.txt").path
        #expect {
            try PeerListFile.read(path: none)
        } throws: { error in
            guard case .unreadable(none, _) = error as? PeerListError else { return false }
            return true
        }
        try Data(repeating: 0x0a, count: (1 << 20) + 1).write(to: file)
        #expect(throws: PeerListError.tooLarge(path: file.path, byteCountMax: 1 << 20)) {
            try PeerListFile.read(path: file.path)
        }
    }

    @Test func `a peer behind a relay may be in a list, a way without its end may not`() throws {
        let (relay, peer) = (try MemoryNetwork.peer(1), try MemoryNetwork.peer(2))
        let way = "/ip4/203.0.113.5/tcp/7411/p2p/\(relay)/p2p-circuit"
        let list = try PeerListFile.parse(Array("\(way)/p2p/\(peer)".utf8), path: "a")
        #expect(list.map(\.peerID) == [peer])
        #expect(
            throws: PeerListError.notDialable(path: "a", line: 1, address: try Multiaddr(way))
        ) {
            try PeerListFile.parse(Array(way.utf8), path: "a")
        }
    }
}
