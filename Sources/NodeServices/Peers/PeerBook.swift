internal import Foundation
public import LibP2P

/// The peer list of a home, for a person to read and add to.
public struct PeerBook: Sendable {
    /// What a home knows of peers.
    public struct Listing: Sendable {
        /// The addresses in `peers.txt`.
        public let configured: [Multiaddr]
        /// The peers that the running node is connected with.
        public let connected: [String]
    }

    private let home: NodeHome

    /// Names a home.
    public init(home: NodeHome) {
        self.home = home
    }

    /// Reads the list.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` naming the file and the line.
    public func read() throws(NodeError) -> Listing {
        Listing(
            configured: try configured(),
            connected: StatusWriter.read(home.statusFile)?.connectedPeers ?? []
        )
    }

    /// Adds addresses, or the addresses in files, that are not in the list yet.
    ///
    /// - Returns: how many were added.
    /// - Throws: ``NodeError`` with code `invalidInput` for what is neither; then nothing is added.
    public func add(_ arguments: [String]) throws(NodeError) -> Int {
        try home.create()
        let present = try configured()
        var new: [Multiaddr] = []
        for argument in arguments {
            for address in try addresses(argument)
            where !present.contains(address) && !new.contains(address) {
                new.append(address)
            }
        }
        guard !new.isEmpty else { return 0 }
        do {
            var text = ""
            if FileManager.default.fileExists(atPath: home.peerList.path) {
                text = try String(contentsOf: home.peerList, encoding: .utf8)
                if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
            }
            for address in new { text += "\(address)\n" }
            try Data(text.utf8).write(to: home.peerList, options: .atomic)
        } catch {
            throw NodeError(.storage, "\(home.peerList.path) can't be written.", cause: error)
        }
        return new.count
    }

    private func configured() throws(NodeError) -> [Multiaddr] {
        guard FileManager.default.fileExists(atPath: home.peerList.path) else { return [] }
        return try list(home.peerList.path)
    }

    private func addresses(_ argument: String) throws(NodeError) -> [Multiaddr] {
        if argument.hasPrefix("/"), let address = try? Multiaddr(argument) { return [address] }
        guard FileManager.default.fileExists(atPath: argument) else {
            throw NodeError(
                .invalidInput,
                "'\(argument)' is neither a multiaddr such as /ip4/203.0.113.5/tcp/7411 nor a file."
            )
        }
        return try list(argument)
    }

    private func list(_ path: String) throws(NodeError) -> [Multiaddr] {
        do {
            return try PeerListFile.read(path: path)
        } catch {
            throw NodeError(.invalidInput, "\(error)")
        }
    }
}
