public import Cryptography
public import Federation
public import LibP2P
public import Training

/// What a running node tells the person in front of it; nothing depends on its delivery.
public enum NodeReport: Sendable {
    /// The node listens; the line that lets others join.
    case listening(joinLines: [Multiaddr])
    /// What the node trains within its memory.
    case planned(MemoryPlan, layerCount: Int)
    /// There is less memory than was asked for.
    case memoryBounded(AvailableMemory, wanted: MemorySize)
    /// There is less memory than a plan takes; another one is followed, or nothing is trained.
    case steppedDown(
        MemoryShortage, from: MemoryPlan, to: MemoryPlan?, layerCount: Int)
    /// The base model is being copied into the store or fetched from peers.
    case preparingModel(name: String, doneByteCount: Int, totalByteCount: Int)
    /// A peer can be talked to.
    case peerConnected(PeerID)
    /// A peer can no longer be talked to.
    case peerDisconnected(PeerID, reason: String)
    /// The federation's state changed.
    case federation(Notification)
    /// An optimizer step of a round was done.
    case trained(round: UInt64, step: Int, stepCount: Int, loss: Double, tokensPerSecond: Double)
    /// The update of a round is ready to be fetched by others.
    case updateReady(UpdateSummary)
    /// The update of a round is ready to go into its secure sum.
    case contributionReady(round: UInt64, exampleCount: Int)
    /// The adapter of that round is the node's own.
    case adopted(adapter: Digest, round: UInt64)
    /// All rounds are certified, or in gossip over; the adapter is then this node's own.
    case finished(adapter: Digest, isCertified: Bool)
    /// A peer was turned away.
    case refused(PublicKey, RejectReason)
}
