internal import Cryptography

/// What a node knows of a connected peer.
struct PeerState: Sendable {
    var lastHeardAt: Timestamp
    var status: StatusReport?
    var isRefused = false
    /// Whether it has shown that it may take part.
    var isAdmitted = true

    /// Whether it is talked to.
    var isUsable: Bool { !isRefused && isAdmitted }
}

/// A wish to join that is waiting for an entry.
struct PendingJoin: Sendable {
    let join: SignedJoin
    var lastSeenAt: Timestamp
    var forwardedAt: Timestamp
}

/// The training that was started last.
struct TrainingState: Sendable {
    let round: UInt64
    var stepsDone = 0
    var isStopping = false
}
