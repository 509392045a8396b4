public import Foundation

/// The folder that a node lives in.
///
/// It holds `identity.key`, `models/` (shards), `state/` (everything that changes), `peers.txt`,
/// `bans.txt`, `membership.cert`, `admission/` (what its commands issued), `status.json` and `network.json` while the node runs, and optionally `starling.toml`.
public struct NodeHome: Sendable {
    /// The folder.
    public let folder: URL

    /// Names a folder; nothing is created yet.
    public init(path: String) {
        folder = URL(fileURLWithPath: path, isDirectory: true).standardizedFileURL
    }

    /// The folder that is used when no other is named: `$STARLING_HOME`, else
    /// `$XDG_DATA_HOME/starling`, else `~/.local/share/starling`.
    public static func standard(environment: [String: String]) -> NodeHome {
        if let path = environment["STARLING_HOME"], !path.isEmpty {
            return NodeHome(path: path)
        }
        if let data = environment["XDG_DATA_HOME"], !data.isEmpty {
            return NodeHome(path: data + "/starling")
        }
        return NodeHome(path: (environment["HOME"] ?? ".") + "/.local/share/starling")
    }

    /// The key file.
    public var identityFile: URL { folder.appendingPathComponent("identity.key") }
    /// The LMDB environment of model shards.
    public var models: URL { folder.appendingPathComponent("models", isDirectory: true) }
    /// The LMDB environment of rounds, updates, peers and the log.
    public var state: URL { folder.appendingPathComponent("state", isDirectory: true) }
    /// The peer list: a multiaddr a line.
    public var peerList: URL { folder.appendingPathComponent("peers.txt") }
    /// The bans: a peer id or a range of IP addresses a line.
    public var banList: URL { folder.appendingPathComponent("bans.txt") }
    /// What a running node last said of its connections.
    public var networkFile: URL { folder.appendingPathComponent("network.json") }
    /// What a running node last said of itself.
    public var statusFile: URL { folder.appendingPathComponent("status.json") }
    /// This node's membership certificate.
    public var membershipFile: URL { folder.appendingPathComponent("membership.cert") }
    /// Certificates and revocations that commands leave for the running node.
    public var admission: URL { folder.appendingPathComponent("admission", isDirectory: true) }
    /// The settings file.
    public var settingsFile: URL { folder.appendingPathComponent("starling.toml") }

    /// Creates the folder, readable by its owner alone.
    ///
    /// - Throws: ``NodeError`` with code `storage` when it can't be created.
    public func create() throws(NodeError) {
        do {
            try FileManager.default.createDirectory(
                at: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw NodeError(
                .storage,
                "The folder \(folder.path) can't be created; name another with --home.",
                cause: error
            )
        }
    }
}
