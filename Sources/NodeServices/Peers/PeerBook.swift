internal import Cryptography
internal import Foundation
public import LibP2P
internal import Storage
internal import Transports

/// What a home knows of peers, for a person to read and change.
///
/// It works on files of the home. A running node reads them again when they change.
public struct PeerBook: Sendable {
    /// What a home knows of peers.
    public struct Listing: Sendable {
        /// The addresses in `peers.txt`.
        public let configured: [Multiaddr]
        /// What the running node last said of its network; nil if none runs.
        public let live: NetworkSnapshot?
        /// The peers that the node knows from others, ascending.
        public let known: [KnownPeer]
        /// The bans.
        public let bans: [Ban]
    }

    /// A peer of the passive view.
    public struct KnownPeer: Sendable {
        /// The peer.
        public let peer: PeerID
        /// Where it says it can be reached.
        public let addresses: [Multiaddr]
        /// When a record or a connection last told of it, in Unix milliseconds.
        public let lastSeenMilliseconds: UInt64
        /// How often a connection came about.
        public let successCount: Int
        /// How often dialling failed.
        public let failureCount: Int
    }

    private let home: NodeHome

    /// Names a home.
    public init(home: NodeHome) {
        self.home = home
    }

    /// Reads everything.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` naming the file and the line.
    public func read() async throws(NodeError) -> Listing {
        let view = try await passiveView()
        return Listing(
            configured: try configured(),
            live: NetworkSnapshot.read(home.networkFile),
            known: view.peers.compactMap { peer in
                view[peer].map { entry in
                    KnownPeer(
                        peer: peer, addresses: entry.record.dialableAddresses,
                        lastSeenMilliseconds: entry.lastSeenMilliseconds,
                        successCount: Int(entry.successCount),
                        failureCount: Int(entry.failureCount))
                }
            },
            bans: try BanListFile.read(path: home.banList.path))
    }

    // MARK: The peer list

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
        guard present.count + new.count <= PeerListFile.addressCountMax else {
            throw NodeError(
                .invalidInput,
                "The list would have \(present.count + new.count) addresses; "
                    + "\(PeerListFile.addressCountMax) is the most.")
        }
        var text = try self.text(of: home.peerList)
        if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
        for address in new { text += "\(address)\n" }
        try write(text, to: home.peerList)
        return new.count
    }

    /// Removes addresses, or all addresses of peers, from the list; other lines stay as they are.
    ///
    /// - Returns: how many addresses were removed.
    /// - Throws: ``NodeError``: `invalidInput` for what is neither an address nor a peer id,
    ///   `notFound` for what is not in the list; then nothing is removed.
    public func remove(_ arguments: [String]) throws(NodeError) -> Int {
        let present = try configured()
        var doomed: Set<Multiaddr> = []
        for argument in arguments {
            let matching: [Multiaddr]
            if let peer = PeerID(text: argument) {
                matching = present.filter { $0.peerID == peer }
            } else if argument.hasPrefix("/"), let address = try? Multiaddr(argument) {
                matching = present.filter { $0 == address }
            } else {
                throw NodeError(
                    .invalidInput,
                    "'\(argument)' is neither a multiaddr such as /ip4/203.0.113.5/tcp/7411 nor a "
                        + "peer id.")
            }
            guard !matching.isEmpty else {
                throw NodeError(.notFound, "'\(argument)' is not in \(home.peerList.path).")
            }
            doomed.formUnion(matching)
        }
        let lines = try text(of: home.peerList).split(
            separator: "\n", omittingEmptySubsequences: false)
        let kept = lines.filter { line in
            let address = line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespacesAndNewlines)
            guard !address.isEmpty, let parsed = try? Multiaddr(address) else { return true }
            return !doomed.contains(parsed)
        }
        try write(kept.joined(separator: "\n"), to: home.peerList)
        return doomed.count
    }

    // MARK: Bans

    /// Bans peers or ranges of addresses; a ban that is there keeps its reason unless one is given.
    ///
    /// - Returns: how many are new.
    /// - Throws: ``NodeError`` with code `invalidInput` for what is neither, and for this node
    ///   itself; then nothing is banned.
    public func ban(_ arguments: [String], reason: String = "") throws(NodeError) -> Int {
        try home.create()
        var bans = try BanListFile.read(path: home.banList.path)
        let countBefore = bans.count
        let own = try? IdentityFile.load(at: home.identityFile)
        for subject in try subjects(arguments) {
            if let own, subject == .peer(PeerID(publicKey: own.publicKey)) {
                throw NodeError(.invalidInput, "\(subject) is this node itself.")
            }
            let ban = Ban(subject: subject, reason: reason)
            guard let index = bans.firstIndex(where: { $0.subject == subject }) else {
                bans.append(ban)
                continue
            }
            if !ban.reason.isEmpty { bans[index] = ban }
        }
        guard bans.count <= BanListFile.countMax else {
            throw NodeError(
                .invalidInput,
                "There would be \(bans.count) bans; \(BanListFile.countMax) is the most.")
        }
        try write(BanListFile.text(of: bans), to: home.banList)
        return bans.count - countBefore
    }

    /// Lifts bans.
    ///
    /// - Returns: how many were lifted.
    /// - Throws: ``NodeError``: `invalidInput` for what can't be a ban, `notFound` for what is not
    ///   banned; then nothing is lifted.
    public func unban(_ arguments: [String]) throws(NodeError) -> Int {
        var bans = try BanListFile.read(path: home.banList.path)
        let countBefore = bans.count
        for subject in try subjects(arguments) {
            guard bans.contains(where: { $0.subject == subject }) else {
                throw NodeError(.notFound, "\(subject) is not banned here.")
            }
            bans.removeAll { $0.subject == subject }
        }
        try write(BanListFile.text(of: bans), to: home.banList)
        return countBefore - bans.count
    }

    private func subjects(_ arguments: [String]) throws(NodeError) -> [BanSubject] {
        var subjects: [BanSubject] = []
        for argument in arguments {
            guard let subject = BanSubject(argument) else {
                throw NodeError(
                    .invalidInput,
                    "'\(argument)' is neither a peer id nor an IP address or range.")
            }
            if !subjects.contains(subject) { subjects.append(subject) }
        }
        return subjects
    }

    // MARK: Addresses

    /// Where a peer can be dialled: an address as it is, a peer id by the list, by what the running
    /// node is connected with, and by the passive view.
    ///
    /// - Throws: ``NodeError``: `invalidInput` for what is neither an address nor a peer id,
    ///   `notFound` for a peer of whom no address is known.
    public func addresses(of argument: String) async throws(NodeError) -> [Multiaddr] {
        guard let peer = PeerID(text: argument) else {
            guard argument.hasPrefix("/"), let address = try? Multiaddr(argument),
                address.isDialable
            else {
                throw NodeError(
                    .invalidInput,
                    "'\(argument)' is neither a multiaddr such as /ip4/203.0.113.5/tcp/7411 nor a "
                        + "peer id.")
            }
            return [address]
        }
        var found = try configured().filter { $0.peerID == peer }
        let live = NetworkSnapshot.read(home.networkFile)
        let dialled = live?.connections.filter { $0.peer == peer.description && $0.isDialer } ?? []
        for text in dialled.map(\.address) {
            guard let address = try? Multiaddr(text).appending(peer) else { continue }
            found.append(address)
        }
        found += try await passiveView()[peer]?.record.dialableAddresses ?? []
        guard !found.isEmpty else {
            throw NodeError(
                .notFound,
                "No address of \(peer) is known; give one, such as "
                    + "/ip4/203.0.113.5/tcp/7411/p2p/\(peer).")
        }
        var distinct: [Multiaddr] = []
        for address in found where !distinct.contains(address) { distinct.append(address) }
        return distinct
    }

    private func passiveView() async throws(NodeError) -> PassiveView {
        guard FileManager.default.fileExists(atPath: home.state.path) else { return PassiveView() }
        let store = try NodeStore(home: home, access: .readOnly)
        guard let bytes = try await store.setting(SettingKey.passiveView) else {
            return PassiveView()
        }
        return (try? PassiveView(bytes: bytes)) ?? PassiveView()
    }

    func configured() throws(NodeError) -> [Multiaddr] {
        guard FileManager.default.fileExists(atPath: home.peerList.path) else { return [] }
        return try list(home.peerList.path)
    }

    private func addresses(_ argument: String) throws(NodeError) -> [Multiaddr] {
        if argument.hasPrefix("/"), let address = try? Multiaddr(argument) {
            guard address.isDialable else {
                throw NodeError(
                    .invalidInput, "'\(argument)' is not the address of a TCP port to dial.")
            }
            return [address]
        }
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

    private func text(of file: URL) throws(NodeError) -> String {
        guard FileManager.default.fileExists(atPath: file.path) else { return "" }
        do {
            return try String(contentsOf: file, encoding: .utf8)
        } catch {
            throw NodeError(.storage, "\(file.path) can't be read.", cause: error)
        }
    }

    private func write(_ text: String, to file: URL) throws(NodeError) {
        do {
            try DurableFile.write([UInt8](text.utf8), to: file)
        } catch {
            throw NodeError(.storage, "\(file.path) can't be written.", cause: error)
        }
    }
}
