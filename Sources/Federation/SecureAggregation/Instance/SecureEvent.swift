public import Cryptography

/// What happened, as the shell tells a ``SecureGroupInstance``.
public enum SecureEvent: Sendable {
    /// The first event of an instance, once.
    case started
    /// Time has passed; send one every 100 to 500 ms.
    case tick
    /// A whole message or data frame came from the peer that the transport has authenticated.
    case received(from: PublicKey, bytes: [UInt8])
    /// Training gave an update: one ring word per element of the format, weighted already, and
    /// the weight, 1...weight unit.
    case contribution(words: [UInt32], weight: Int)
    /// Contributions are waited for until then; the policy's span decides before the first one.
    case contributionsDue(at: Timestamp)
    /// The opened sum was made into the adapter with that digest, durably in the store.
    case adapterReady(Digest)
}

/// What the shell is to do, in order; `persist` and `forget` are flushed before the next directive
/// that is neither.
public enum SecureDirective: Sendable {
    /// Stores a small value under a key, replacing what is there.
    case persist(key: String, value: [UInt8])
    /// Sends one frame to each of the peers; losses are made good later.
    case send(to: [PublicKey], bytes: [UInt8])
    /// The policy lets groups have fewer than five participants: a node warns at every start.
    case warnSmallGroup(memberMinimum: Int)
    /// A peer's bytes were refused.
    case refused(from: PublicKey, SecureRefusal)
    /// A member can be convicted by its own signatures.
    case evidence(SecureEvidence)
    /// What the sum that is opened next can be opened from again; worth keeping for auditors.
    case transcript(SecureTranscript)
    /// The sum is open: make the adapter of it, then tell with `adapterReady`.
    case opened(SecureSum)
    /// A threshold of members signed the same result.
    case certified(SecureRoundCertificate)
    /// The round is over for this node.
    case ended(SecureEnd)
}

/// An opened sum over the participants.
public struct SecureSum: Hashable, Sendable {
    /// Whose updates are in it, in ascending order.
    public let participants: [PublicKey]
    /// The sums of the elements in the ring of 2^32.
    public let words: [UInt32]
    /// The sum of the weights.
    public let weight: UInt32
    /// BLAKE2b-256 of the words and the weight behind them, four bytes each, low byte first.
    public let digest: Digest
}

/// Equal results of at least a threshold of members.
public struct SecureRoundCertificate: Hashable, Sendable {
    /// The group's name, which its roster determines.
    public let group: Digest
    /// The round.
    public let round: UInt64
    /// The group's members in ascending order.
    public let members: [PublicKey]
    /// Those whose updates are in the sum.
    public let participants: [PublicKey]
    /// The digest of the opened sum.
    public let totalDigest: Digest
    /// The digest of the adapter made of it.
    public let adapterDigest: Digest
    /// The signed results, as frames.
    public let results: [[UInt8]]
}

/// How a round ended for a node.
public struct SecureEnd: Hashable, Sendable {
    /// Why a round ended.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// A threshold of equal results.
        case certified
        /// No roster became final in time.
        case noRoster
        /// Too few members dealt shares that hold, or no proposer listed them.
        case noSurvivors
        /// This node is not among the members that go on.
        case excluded
        /// No commit certificate in time.
        case noCertificate
        /// Fewer than a threshold of members revealed, or a part of the sum is nowhere.
        case notOpened
        /// The opened sum is outside what honest members can have put in.
        case sumOutOfBounds
        /// The sum is open, but too few members signed the same result in time.
        case noResult

        /// One sentence for people.
        public var sentence: String {
            switch self {
            case .certified: "The result of the secure round is certified."
            case .noRoster: "Not enough members came together for a secure round."
            case .noSurvivors: "Too few members exchanged shares that hold."
            case .excluded: "This node is not among those that go on with the secure round."
            case .noCertificate: "Too few members signed the masked sum; nothing was opened."
            case .notOpened: "Too few members opened the sum."
            case .sumOutOfBounds: "The opened sum is not what honest members can have put in."
            case .noResult: "Too few members signed what came of the sum."
            }
        }
    }

    /// Why.
    public let reason: Reason
    /// Whether the update never left this node in any form and may be used again.
    public let keepsUpdate: Bool
    /// Whether this node revealed shares: then others may know the sum.
    public let hasRevealed: Bool
}
