public import Cryptography
internal import FoundationEssentials
internal import SwiftProtobuf

/// A relay's signed word that a peer may be reached through it.
///
/// Source: libp2p, Circuit Relay v2, section on reservation vouchers.
public struct ReservationVoucher: Hashable, Sendable {
    /// The payload type of the envelope, the code 0x0302.
    public static let payloadType: [UInt8] = [0x03, 0x02]

    /// Who signed.
    public let relay: PeerID
    /// Who may be reached.
    public let peer: PeerID
    /// Until when, in Unix seconds by the relay's clock.
    public let expirationSeconds: UInt64

    /// Makes a voucher.
    public init(relay: PeerID, peer: PeerID, expirationSeconds: UInt64) {
        self.relay = relay
        self.peer = peer
        self.expirationSeconds = expirationSeconds
    }

    /// The voucher in an envelope of its own relay.
    ///
    /// - Throws: `peerMismatch` where the key belongs to another peer.
    public func sealed(by key: SigningKey) throws(LibP2PError) -> SignedEnvelope {
        let signer = PeerID(publicKey: key.publicKey)
        guard signer == relay else { throw .peerMismatch(expected: relay, actual: signer) }
        var message = RelayVoucherMessage()
        message.relay = Data(relay.bytes)
        message.peer = Data(peer.bytes)
        message.expiration = expirationSeconds
        return SignedEnvelope.seal(
            payload: message.wireBytes, payloadType: Self.payloadType,
            domain: SigningDomain.relayVoucher, key: key)
    }

    /// Reads the envelope of a voucher, verifies it, and checks that its own relay signed it.
    ///
    /// - Throws: the errors of `SignedEnvelope.open`, `payloadTypeMismatch`, `peerMismatch`.
    public static func open(_ bytes: [UInt8]) throws(LibP2PError) -> ReservationVoucher {
        let envelope = try SignedEnvelope.open(bytes, domain: SigningDomain.relayVoucher)
        guard envelope.payloadType == payloadType else {
            throw .payloadTypeMismatch(actual: envelope.payloadType)
        }
        let message = try RelayVoucherMessage(wireBytes: envelope.payload, reading: .relayVoucher)
        guard message.hasRelay, message.hasPeer, message.hasExpiration else {
            throw .malformed(.relayVoucher)
        }
        let relay = try PeerID(multihash: Array(message.relay))
        guard relay == envelope.signer else {
            throw .peerMismatch(expected: relay, actual: envelope.signer)
        }
        return ReservationVoucher(
            relay: relay, peer: try PeerID(multihash: Array(message.peer)),
            expirationSeconds: message.expiration)
    }
}
