internal import Cryptography
public import Federation
internal import Foundation
public import LibP2P
internal import Storage

/// Where a node stands, read from its home while it runs or afterwards.
public struct NodeStatus: Sendable {
    /// This node.
    public let peerID: PeerID
    /// The federation.
    public let manifest: SignedManifest
    /// What the certified entries come to.
    public let chain: ChainState
    /// Where a node stands that has an adapter of its own; nil in a federation that certifies.
    public let gossip: GossipSnapshot?
    /// What the running node last said of itself; nil if none runs.
    public let live: Live?
    /// What the running node last said of its network; nil if none runs.
    public let network: NetworkSnapshot?

    /// What only a running node knows.
    public struct Live: Sendable {
        /// Its process.
        public let processID: Int32
        /// Where it stands at its height.
        public let phase: String
        /// The peers with a connection.
        public let connectedPeers: [String]
        /// The members that can be reached.
        public let reachableMembers: [String]
        /// The round, the steps done and the steps of a full round.
        public let training: (round: UInt64, step: Int, stepCount: Int, loss: Double)?
        /// What the node trains of the federation's adapter, with every number filled in.
        ///
        /// `nil` for a node that has too little memory to train.
        public let part: TrainedPart?
        /// Seconds until the deadline of the round.
        public let secondsToDeadline: Double
        /// Bytes of resident memory.
        public let residentByteCount: Int
    }

    /// Reads the status of a home.
    ///
    /// - Throws: ``NodeError`` with code `notFound` when the home follows no federation.
    public static func read(home: NodeHome) async throws(NodeError) -> NodeStatus {
        try await read(home: home, store: try NodeStore(home: home, access: .readOnly))
    }

    static func read(
        home: NodeHome, store: NodeStore
    ) async throws(NodeError) -> NodeStatus {
        guard let manifest = try await store.manifest() else {
            throw NodeError(
                .notFound,
                "\(home.folder.path) follows no federation yet; make one with 'starling init'."
            )
        }
        let identity = try IdentityFile.load(at: home.identityFile)
        var chain = ChainState(genesis: manifest)
        for entry in try await store.entries() {
            do {
                try chain.verify(entry)
            } catch {
                throw NodeError(
                    .verificationFailed,
                    "The stored entry of height \(entry.height) doesn't hold: \(error.sentence)"
                )
            }
            chain.apply(entry)
        }
        return NodeStatus(
            peerID: PeerID(publicKey: identity.publicKey), manifest: manifest, chain: chain,
            gossip: try await store.gossipSnapshot(manifest: manifest),
            live: StatusWriter.read(home.statusFile).map(Live.init),
            network: NetworkSnapshot.read(home.networkFile)
        )
    }
}

extension NodeStatus.Live {
    init(_ snapshot: StatusWriter.Snapshot) {
        processID = snapshot.processID
        phase = snapshot.phase
        connectedPeers = snapshot.connectedPeers
        reachableMembers = snapshot.reachableMembers
        part =
            snapshot.method == StatusWriter.noMethod
            ? nil
            : TrainedPart(
                method: snapshot.method.flatMap(MethodChoice.init) ?? .lora,
                rank: snapshot.trainedRank, lastLayerCount: snapshot.trainedLayerCount)
        secondsToDeadline = snapshot.secondsToDeadline
        residentByteCount = snapshot.residentByteCount
        if let round = snapshot.trainingRound, let step = snapshot.trainingStep,
            let count = snapshot.trainingStepCount
        {
            training = (round, step, count, snapshot.trainingLoss ?? .nan)
        } else {
            training = nil
        }
    }
}
