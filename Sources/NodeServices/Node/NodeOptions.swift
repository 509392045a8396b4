public import LibP2P
public import Logging

/// How a node is run.
public struct NodeOptions: Sendable {
    /// The folder that the node lives in.
    public var home: NodeHome
    /// What flags, environment and file say together.
    public var settings: NodeSettings
    /// The address of a member, for a node that has no manifest yet or knows nobody.
    public var join: Multiaddr?
    /// An invite into a federation that admits members only.
    public var invite: InviteCode?
    /// A file with this node's membership certificate.
    public var certificatePath: String?
    /// A checkpoint to take the base model from, instead of from peers.
    public var modelPath: String?
    /// How long a finished node goes on serving members that lack the end; nil means until it is
    /// stopped.
    ///
    /// 120 s: a member that restarts is back in seconds.
    public var linger: Duration? = .seconds(120)
    /// Where remarks go that are not results.
    public var logger: Logger
    /// Told of every frame of a secure round before it is queued; tests end a node there.
    package var beforeFrame: (@Sendable ([UInt8]) -> Void)?
    /// Puts other bytes in the place of an update before it is stored and announced; tests have a
    /// member lie there.
    package var alterUpdate: (@Sendable ([UInt8]) -> [UInt8])?
    /// Told what happens.
    public var report: @Sendable (NodeReport) -> Void

    /// Takes the options that have no default.
    public init(
        home: NodeHome, settings: NodeSettings, logger: Logger,
        report: @escaping @Sendable (NodeReport) -> Void
    ) {
        self.home = home
        self.settings = settings
        self.logger = logger
        self.report = report
    }
}
