/// What precedes the bytes that an identity key signs, so that no signature fits two uses.
public enum SigningDomain {
    /// The prefix of a Noise static key's binding.
    public static let noiseStaticKey = Array("noise-libp2p-static-key:".utf8)
    /// The prefix of a gossip message.
    public static let gossipMessage = Array("libp2p-pubsub:".utf8)
    /// The domain of a signed peer record.
    ///
    /// RFC 0003 prints another one; deployed peers use this.
    public static let peerRecord = "libp2p-peer-record"
    /// The domain of a relay's voucher.
    public static let relayVoucher = "libp2p-relay-rsvp"
}
