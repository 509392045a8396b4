/// The two text forms of a peer id. Source: libp2p peer id specification.
extension PeerID {
    private static let cidVersion: UInt64 = 1
    private static let keyCodec: UInt64 = 0x72

    /// Reads base58btc (`12D3Koo…`, `Qm…`) or CIDv1 text in a multibase.
    ///
    /// - Throws: the errors of the base, of `UVarint` and of a multihash.
    public init(parsing text: String) throws(LibP2PError) {
        // A CIDv1 text starts with its base; base58btc ids start with a 1 (identity) or Qm (SHA-256).
        if text.hasPrefix("1") || text.hasPrefix("Qm") {
            try self.init(multihash: Base58.decode(text))
            return
        }
        var reader = ByteReader(try Multibase.decode(text), reading: .peerID)
        guard try reader.uvarint() == Self.cidVersion, try reader.uvarint() == Self.keyCodec
        else { throw .malformed(.peerID) }
        try self.init(multihash: reader.remainder)
    }

    /// The id as a CIDv1 in base 32, the form that file systems and DNS names can carry.
    public var cidText: String {
        let prefix = UVarint.encode(Self.cidVersion) + UVarint.encode(Self.keyCodec)
        return "b" + BitText.base32.encode(prefix + bytes)
    }
}
