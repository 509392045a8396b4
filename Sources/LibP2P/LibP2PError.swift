/// What is wrong with bytes, texts or a conversation that came from another peer or from a user.
public enum LibP2PError: Error, Hashable, Sendable {
    /// The structure that a complaint is about.
    public enum Structure: String, Hashable, Sendable {
        case varint, lengthPrefix, base58, base32, multihash, publicKey, privateKey, peerID
        case multiaddr, envelope, peerRecord, negotiation, noiseHandshake, noisePayload
        case noiseRecord, identify, ping, check
        case relayHop, relayStop, relayVoucher, autonat
    }

    /// The structure ends before its last byte.
    case truncated(Structure)
    /// The structure contradicts its own format.
    case malformed(Structure)
    /// A varint has a shorter encoding of the same value.
    case notMinimal
    /// A length is above what this node takes; nothing was allocated for it.
    case tooLarge(Structure, byteCount: Int, byteCountMax: Int)
    /// More parts than this node takes.
    case tooMany(Structure, countMax: Int)
    /// The text names an address protocol that is not in the table.
    case unknownAddressProtocol(String)
    /// The value of an address part does not fit its protocol.
    case invalidAddressValue(protocolName: String, value: String)
    /// The identity is well formed but of a key type that this node does not verify.
    case unsupportedKeyType(KeyType)
    /// The two copies of the public key in a private key file differ, or do not fit the seed.
    case keyCopiesDiffer
    /// The signature is not the key's over these bytes.
    case invalidSignature(Structure)
    /// Another peer answered than the one that was meant.
    case peerMismatch(expected: PeerID, actual: PeerID)
    /// The envelope holds a payload of another type than the one that was asked for.
    case payloadTypeMismatch(actual: [UInt8])
    /// The listener accepted none of the proposals.
    case protocolsRefused([String])
    /// The other side said something that this step of the negotiation does not allow.
    case unexpectedNegotiation(String)
    /// Both sides listed muxers and have none in common.
    case noCommonMuxer(remote: [String])
    /// A Noise message or record was altered, reordered, repeated or made with another key.
    case authenticationFailed(Structure)
    /// The other side's X25519 key is of small order.
    case weakSharedSecret
    /// The counter of a direction has reached its reserved last value.
    case counterExhausted
    /// The machine has failed or finished before; it takes nothing more.
    case ended(Structure)
    /// The echo of a ping differs from what was sent, or comes unasked.
    case wrongEcho
}
