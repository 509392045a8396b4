/// A peer record with the envelope that proves it, so that it can be passed on.
public struct SignedPeerRecord: Hashable, Sendable {
    /// The envelope as received.
    public let envelope: [UInt8]
    /// What it says.
    public let record: PeerRecord

    /// Reads and verifies an envelope.
    ///
    /// - Throws: `tooLarge` above ``PeerExchange/recordByteCountMax``, and what `PeerRecord.open`
    ///   throws.
    public init(envelope: [UInt8]) throws(LibP2PError) {
        guard envelope.count <= PeerExchange.recordByteCountMax else {
            throw .tooLarge(
                .envelope, byteCount: envelope.count, byteCountMax: PeerExchange.recordByteCountMax)
        }
        record = try PeerRecord.open(envelope)
        self.envelope = envelope
    }

    /// Whose addresses these are.
    public var peerID: PeerID { record.peerID }
}

extension SignedPeerRecord {
    /// The addresses that can be dialled, over TCP or through a relay, each with the peer's id.
    public var dialableAddresses: [Multiaddr] {
        record.addresses.compactMap { address in
            if let named = address.peerID, named != peerID { return nil }
            guard let full = try? address.appending(peerID), full.isDialable else { return nil }
            return full
        }
    }
}
