public import Cryptography

/// One node's part in the protocol: events in, directives out.
public struct PeerInstance: Sendable {
    /// Restores a node from its durable state; the first event must be `started`.
    public init(
        restored: RestoredState, baseModelDigest: Digest, signer: any MessageSigner
    ) throws(RestoreError) {
    }

    /// Takes one event and returns what the shell is to do, in order.
    public mutating func handle(_ event: Event, now: Timestamp) -> [Directive] {
        []
    }

    /// Where the node stands.
    public func status(now: Timestamp) -> PeerStatus {
        fatalError()
    }
}
