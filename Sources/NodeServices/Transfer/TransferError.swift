public import Cryptography
public import LibP2P
public import Transports

/// Why an object could not be fetched, cut or joined.
public enum TransferError: Error {
    /// Nobody was named who might have the object.
    case noProvider(Digest)
    /// Every provider was tried as often as is allowed; the last attempts, oldest first.
    case unavailable(Digest, attempts: [FetchAttempt])
    /// The object is not one, or greater than allowed; nil where it has no name yet.
    case objectRefused(Digest?, ObjectManifestError)
    /// The store holds the object in part, or other bytes in its place.
    case incomplete(Digest, missing: [Int])
    /// The store failed.
    case storeFailed(ObjectStoreError)
    /// The task was cancelled; what was fetched is kept.
    case cancelled(Digest)
}

/// What came of asking one provider on one stream.
public struct FetchAttempt: Sendable {
    /// How an attempt came to its end.
    public enum Outcome: Hashable, Sendable {
        /// The transfer protocol ended it.
        case ended(FetchEnd)
        /// No stream could be opened.
        case notOpened(TransportError)
        /// The stream or its connection broke, or the provider closed it; then there is no error.
        case broken(TransportError?)
        /// No chunk came for so long.
        case stalled(after: Duration)
    }

    /// The provider.
    public let provider: PeerID
    /// How it ended.
    public let outcome: Outcome
    /// The bytes of accepted chunks.
    public let receivedByteCount: Int
    /// The time from the opened stream to its end.
    public let duration: Duration

    package init(
        provider: PeerID, outcome: Outcome, receivedByteCount: Int, duration: Duration
    ) {
        self.provider = provider
        self.outcome = outcome
        self.receivedByteCount = receivedByteCount
        self.duration = duration
    }
}

/// What a fetch cost.
public struct FetchReport: Sendable {
    /// The manifest of the object, which the store now holds whole.
    public let manifest: ObjectManifest
    /// The bytes of the chunks that came over the network; 0 if the store held them all.
    public let receivedByteCount: Int
    /// The time that streams were open.
    public let duration: Duration
    /// The providers that gave at least one chunk, in the order of their first.
    public let providers: [PeerID]

    /// The least that has to be received for a rate: of less, the round trips take longer than the
    /// bytes.
    static let measuredByteCountMin = 64 << 10

    /// The measured rate; nil if too little was received to tell.
    public var bytesPerSecond: Double? {
        let seconds = duration.seconds
        guard receivedByteCount >= Self.measuredByteCountMin, seconds > 0 else { return nil }
        return Double(receivedByteCount) / seconds
    }
}

/// How far a fetch has come.
public struct FetchProgress: Hashable, Sendable {
    /// The object.
    public let objectID: Digest
    /// Who gave the latest chunk.
    public let provider: PeerID
    /// The bytes of the object that are held.
    public let heldByteCount: Int
    /// The bytes of the whole object.
    public let totalByteCount: Int
}

extension Duration {
    /// The seconds, as a number to divide by.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
