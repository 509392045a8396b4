public import Cryptography

/// What the status of a gossiping node says beyond that of a certifying one.
public struct GossipStatus: Hashable, Sendable {
    /// The estimate that the last mean of at least two states gave; `nil` before one.
    public let distance: ConsensusDistance?
    /// The rounds of a run, those without training among them.
    public let roundCount: UInt64
    /// The states that wait for the next mean.
    public let pendingCount: Int
    /// The members whose two states in one round are in the log.
    public let equivocators: [PublicKey]
    /// The peers to which a connection is of use: this and the next round's draw, and neighbours on
    /// the ring of keys.
    public let wantedPeers: [PublicKey]
}

/// The protocol's part in one node, whichever the manifest's exchange asks for.
public protocol FederationInstance: Sendable {
    /// Takes one event and returns what the shell is to do, in order.
    mutating func handle(_ event: Event, now: Timestamp) -> [Directive]
    /// Where the node stands at that time.
    func status(now: Timestamp) -> PeerStatus
    /// The certificates and revocations that the node knows.
    var admissionRegistry: AdmissionRegistry { get }
}

extension PeerInstance: FederationInstance {
    /// The certificates and revocations that the node knows.
    public var admissionRegistry: AdmissionRegistry { admission.registry }
}

extension GossipInstance: FederationInstance {
    /// The certificates and revocations that the node knows.
    public var admissionRegistry: AdmissionRegistry { admission.registry }
}
