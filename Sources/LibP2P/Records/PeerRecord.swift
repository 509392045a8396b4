public import Cryptography
internal import FoundationEssentials
internal import SwiftProtobuf

/// The addresses of a peer as it signed them.
///
/// Source: libp2p RFC 0003.
///
/// ### Deviations
/// The domain is the one of deployed peers, `libp2p-peer-record`.
public struct PeerRecord: Hashable, Sendable {
    /// The payload type of the envelope.
    public static let payloadType: [UInt8] = [0x03, 0x01]
    /// Further addresses of a record are not kept; no peer has as many.
    public static let addressCountMax = 64

    /// Whose addresses these are.
    public let peerID: PeerID
    /// Grows with each record of the peer.
    ///
    /// It orders records and is not a time.
    public let sequenceNumber: UInt64
    /// The addresses that this node could read.
    public let addresses: [Multiaddr]

    /// Makes a record of at most `addressCountMax` addresses.
    public init(peerID: PeerID, sequenceNumber: UInt64, addresses: [Multiaddr]) {
        self.peerID = peerID
        self.sequenceNumber = sequenceNumber
        self.addresses = Array(addresses.prefix(Self.addressCountMax))
    }

    /// Whether this record replaces one with the other number.
    public func isNewer(than other: PeerRecord) -> Bool {
        peerID == other.peerID && sequenceNumber > other.sequenceNumber
    }

    /// The record in an envelope of its own peer.
    ///
    /// - Throws: `peerMismatch` where the key belongs to another peer.
    public func sealed(by key: SigningKey) throws(LibP2PError) -> SignedEnvelope {
        let signer = PeerID(publicKey: key.publicKey)
        guard signer == peerID else { throw .peerMismatch(expected: peerID, actual: signer) }
        var message = PeerRecordMessage()
        message.peerID = .init(peerID.bytes)
        message.seq = sequenceNumber
        message.addresses = addresses.map { address in
            var entry = PeerRecordMessage.AddressMessage()
            entry.multiaddr = .init(address.bytes)
            return entry
        }
        return SignedEnvelope.seal(
            payload: message.wireBytes,
            payloadType: Self.payloadType,
            domain: SigningDomain.peerRecord,
            key: key
        )
    }

    /// Reads the envelope of a record, verifies it, and checks that its own peer signed it.
    ///
    /// Addresses that cannot be read are left out.
    /// - Throws: the errors of `SignedEnvelope.open`, `payloadTypeMismatch`, `peerMismatch`.
    public static func open(_ envelopeBytes: [UInt8]) throws(LibP2PError) -> PeerRecord {
        let envelope = try SignedEnvelope.open(envelopeBytes, domain: SigningDomain.peerRecord)
        guard envelope.payloadType == payloadType else {
            throw .payloadTypeMismatch(actual: envelope.payloadType)
        }
        let message = try PeerRecordMessage(wireBytes: envelope.payload, reading: .peerRecord)
        guard message.hasPeerID else { throw .malformed(.peerRecord) }
        let peer = try PeerID(multihash: Array(message.peerID))
        guard peer == envelope.signer else {
            throw .peerMismatch(expected: peer, actual: envelope.signer)
        }
        return PeerRecord(
            peerID: peer,
            sequenceNumber: message.seq,
            addresses: Multiaddr.readable(
                message.addresses.map { Array($0.multiaddr) }, countMax: addressCountMax
            )
        )
    }
}
