public import Cryptography
internal import SwiftProtobuf

/// What a peer tells about itself.
///
/// A missing value is nil or empty.
public struct IdentifyMessage: Hashable, Sendable {
    /// The protocol on which the opened side sends its message.
    public static let protocolID = "/ipfs/id/1.0.0"
    /// The protocol on which the opener sends what has changed.
    public static let pushProtocolID = "/ipfs/id/push/1.0.0"
    /// The greatest message of this node; some peers take no more.
    public static let ownByteCountMax = 4 * 1024
    /// The greatest single message that is taken from a peer.
    public static let byteCountMax = 8 * 1024
    /// How many messages one stream may hold; they count as one.
    public static let frameCountMax = 10
    /// Further protocols of a peer are not kept.
    public static let protocolCountMax = 1024
    /// Further addresses of a peer are not kept.
    public static let addressCountMax = 500

    /// The public key message, as received.
    public var publicKeyMessage: [UInt8]?
    /// Where the peer says it listens.
    public var listenAddresses: [Multiaddr]
    /// What it accepts inbound.
    public var protocols: [String]
    /// From where it sees this node; a hint that one peer alone cannot prove.
    public var observedAddress: Multiaddr?
    /// The network that it belongs to; another one is no reason to disconnect.
    public var protocolVersion: String?
    /// The program and its version.
    public var agentVersion: String?
    /// The envelope of its peer record, as received and not yet verified.
    public var signedPeerRecord: [UInt8]?

    /// Makes a message; all parts may be missing.
    public init(
        publicKey: PublicKey? = nil,
        listenAddresses: [Multiaddr] = [],
        protocols: [String] = [],
        observedAddress: Multiaddr? = nil,
        protocolVersion: String? = nil,
        agentVersion: String? = nil,
        signedPeerRecord: SignedEnvelope? = nil
    ) {
        publicKeyMessage = publicKey.map(PublicKeyEncoding.encode)
        self.listenAddresses = listenAddresses
        self.protocols = protocols
        self.observedAddress = observedAddress
        self.protocolVersion = protocolVersion
        self.agentVersion = agentVersion
        self.signedPeerRecord = signedPeerRecord?.bytes
    }

    /// Checks that the key is the connection's.
    ///
    /// - Throws: `peerMismatch`, or `malformed` where the key is missing or unreadable.
    public func verifyKey(of peer: PeerID) throws(LibP2PError) {
        guard let publicKeyMessage else { throw .malformed(.identify) }
        let named = try PeerID(publicKeyMessage: publicKeyMessage)
        guard named == peer else { throw .peerMismatch(expected: peer, actual: named) }
    }

    /// The verified record of the connection's peer, or nil where the message has none.
    ///
    /// - Throws: the errors of `PeerRecord.open`, and `peerMismatch` for another peer's record.
    public func peerRecord(of peer: PeerID) throws(LibP2PError) -> PeerRecord? {
        guard let signedPeerRecord else { return nil }
        let record = try PeerRecord.open(signedPeerRecord)
        guard record.peerID == peer else {
            throw .peerMismatch(expected: peer, actual: record.peerID)
        }
        return record
    }

    /// Takes over what a push says; what it leaves out is unchanged.
    public mutating func update(from push: IdentifyMessage) {
        publicKeyMessage = push.publicKeyMessage ?? publicKeyMessage
        if !push.listenAddresses.isEmpty { listenAddresses = push.listenAddresses }
        if !push.protocols.isEmpty { protocols = push.protocols }
        observedAddress = push.observedAddress ?? observedAddress
        protocolVersion = push.protocolVersion ?? protocolVersion
        agentVersion = push.agentVersion ?? agentVersion
        signedPeerRecord = push.signedPeerRecord ?? signedPeerRecord
    }
}
