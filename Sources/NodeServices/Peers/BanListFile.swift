internal import Foundation
public import LibP2P
public import Transports

/// Whom a ban names: a peer, or a range of IP addresses.
public enum BanSubject: Hashable, Sendable, CustomStringConvertible {
    case peer(PeerID)
    case network(IPNetwork)

    /// Reads a peer id, an IP address or a range such as `203.0.113.0/24`; nil for anything else.
    public init?(_ text: String) {
        if let peer = PeerID(text: text) {
            self = .peer(peer)
        } else if let network = IPNetwork(text) {
            self = .network(network)
        } else {
            return nil
        }
    }

    /// The text form.
    public var description: String {
        switch self {
        case .peer(let peer): peer.description
        case .network(let network): network.description
        }
    }
}

/// A ban and why it was made.
public struct Ban: Hashable, Sendable {
    /// Who is banned.
    public let subject: BanSubject
    /// What the person said of it; empty where nothing was said.
    public let reason: String

    /// Makes a ban; line ends in the reason become spaces.
    public init(subject: BanSubject, reason: String = "") {
        self.subject = subject
        self.reason = reason.split(whereSeparator: \.isNewline).joined(separator: " ")
            .trimmingCharacters(in: .whitespaces)
    }
}

/// The list of bans in a text file: a peer id or a range of IP addresses a line, the reason after
/// `#`.
public enum BanListFile {
    /// The greatest file that is read.
    public static let byteCountMax = 1 << 20
    /// The greatest number of bans.
    public static let countMax = 4_096

    /// Reads a file; one that is not there bans nobody.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` naming the file and the line.
    public static func read(path: String) throws(NodeError) -> [Ban] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        let data: Data
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            data = try file.read(upToCount: byteCountMax + 1) ?? Data()
        } catch {
            throw NodeError(.storage, "\(path) can't be read.", cause: error)
        }
        return try parse([UInt8](data), path: path)
    }

    /// Reads the bytes of a list.
    ///
    /// - Parameter path: What errors call the file.
    /// - Throws: ``NodeError`` with code `invalidInput`.
    public static func parse(_ bytes: [UInt8], path: String) throws(NodeError) -> [Ban] {
        guard bytes.count <= byteCountMax else {
            throw NodeError(.invalidInput, "\(path) has more than \(byteCountMax) bytes.")
        }
        var bans: [Ban] = []
        var known: Set<BanSubject> = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            guard let text = String(validating: line, as: UTF8.self) else {
                throw NodeError(.invalidInput, "\(path), line \(index + 1): this is not UTF-8.")
            }
            let parts = text.split(
                separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            let name = (parts.first ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
            guard !name.isEmpty else { continue }
            guard let subject = BanSubject(name) else {
                throw NodeError(
                    .invalidInput,
                    "\(path), line \(index + 1): '\(name.prefix(100))' is neither a peer id nor an "
                        + "IP address or range."
                )
            }
            guard known.insert(subject).inserted else { continue }
            guard bans.count < countMax else {
                throw NodeError(.invalidInput, "\(path) has more than \(countMax) bans.")
            }
            bans.append(Ban(subject: subject, reason: parts.count > 1 ? String(parts[1]) : ""))
        }
        return bans
    }

    /// The text of a list.
    public static func text(of bans: [Ban]) -> String {
        bans.map { ban in
            ban.reason.isEmpty ? "\(ban.subject)\n" : "\(ban.subject)  # \(ban.reason)\n"
        }.joined()
    }
}

extension Bans {
    /// What a list of bans forbids.
    public init(_ list: [Ban]) {
        self.init()
        for ban in list {
            switch ban.subject {
            case .peer(let peer): peers.insert(peer)
            case .network(let network): networks.append(network)
            }
        }
    }
}
