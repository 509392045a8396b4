public import Cryptography

/// The Noise XX handshake of libp2p, seen from one side: bytes in, directives out.
///
/// Legal moves: message 1, 2, 3, finished; anything that fails ends it. Source: libp2p noise
/// specification.
public struct NoiseHandshakeInstance {
    /// The side of the handshake.
    public enum Role: Hashable, Sendable {
        case initiator, responder
    }

    /// What the caller has to do, in order.
    public enum Directive {
        /// Write these bytes.
        case send([UInt8])
        /// The connection is authenticated. `remainder` was read after the last message and holds
        /// transport records.
        case finished(session: NoiseSession, remainder: [UInt8])
    }

    private static let lengthByteCount = 2

    private let role: Role
    private let identity: SigningKey
    private let expectedPeer: PeerID?
    private let muxers: [String]
    private let staticPublicKey: [UInt8]
    private var noise: NoiseXXInstance
    private var buffer: [UInt8] = []
    private var isEnded = false
    /// What the responder's message proved, kept until the handshake is complete.
    private var remote: (peer: PeerID, key: PublicKey, muxers: [String]?)?

    /// Starts a handshake with keys of its own.
    ///
    /// `expectedPeer` is the peer that was dialed. `muxers` are listed in the payload in order of
    /// preference; with none, the muxer is negotiated afterwards.
    public init(role: Role, identity: SigningKey, expectedPeer: PeerID?, muxers: [String]) {
        self.init(
            role: role, identity: identity, expectedPeer: expectedPeer, muxers: muxers,
            staticKey: AgreementKey(), ephemeralKey: AgreementKey()
        )
    }

    /// Takes the keys from a test.
    ///
    /// A key must never be used for two handshakes.
    package init(
        role: Role, identity: SigningKey, expectedPeer: PeerID?, muxers: [String],
        staticKey: AgreementKey, ephemeralKey: AgreementKey
    ) {
        self.role = role
        self.identity = identity
        self.expectedPeer = expectedPeer
        self.muxers = muxers
        staticPublicKey = staticKey.publicKey
        noise = NoiseXXInstance(
            role: role == .initiator ? .initiator : .responder,
            prologue: [],
            staticKey: staticKey,
            ephemeralKey: ephemeralKey
        )
    }

    /// What to do before anything is read: the initiator sends the first message.
    ///
    /// - Throws: `ended` when called twice.
    public mutating func start() throws(LibP2PError) -> [Directive] {
        guard role == .initiator else { return [] }
        return [.send(try frame(noise.writeMessage(payload: [])))]
    }

    /// Takes bytes that were read.
    ///
    /// - Throws: `authenticationFailed`, `weakSharedSecret`, `invalidSignature`, `peerMismatch`,
    ///   `unsupportedKeyType`, `noCommonMuxer`, `malformed`, `truncated`, `tooMany`: close the
    ///   connection. `ended` after any of these and after `finished`.
    public mutating func receive(_ bytes: [UInt8]) throws(LibP2PError) -> [Directive] {
        guard !isEnded else { throw .ended(.noiseHandshake) }
        // Set back below when there is a next step; a throw leaves it ended.
        isEnded = true
        buffer += bytes
        var directives: [Directive] = []
        while let message = try nextMessage() {
            try read(message, &directives)
            if noise.messageIndex == 3 {
                directives.append(.finished(session: try session(), remainder: buffer))
                buffer = []
                return directives
            }
        }
        isEnded = false
        return directives
    }

    /// Cuts the next whole message from the buffer; the first has no payload, so its length is
    /// known and a wrong one is refused before the bytes have come.
    private mutating func nextMessage() throws(LibP2PError) -> [UInt8]? {
        guard buffer.count >= Self.lengthByteCount else { return nil }
        let length = Int(buffer[0]) << 8 | Int(buffer[1])
        if noise.messageIndex == 0, length != AgreementKey.byteCount {
            throw .malformed(.noiseHandshake)
        }
        let end = Self.lengthByteCount + length
        guard buffer.count >= end else { return nil }
        let message = Array(buffer[Self.lengthByteCount..<end])
        buffer.removeFirst(end)
        return message
    }

    private mutating func read(
        _ message: [UInt8], _ directives: inout [Directive]
    ) throws(LibP2PError) {
        let payload = try noise.readMessage(message)
        if noise.messageIndex > 1 {
            let parsed = try NoisePayload(bytes: payload)
            let (peer, key) = try parsed.authenticate(
                staticKey: noise.remoteStatic, expected: expectedPeer
            )
            remote = (peer, key, parsed.muxers)
        }
        if noise.isWriterNext {
            let own = NoisePayload.encode(
                identity: identity, staticKey: staticPublicKey, muxers: muxers
            )
            directives.append(.send(try frame(noise.writeMessage(payload: own))))
        }
    }

    private func session() throws(LibP2PError) -> NoiseSession {
        guard let remote else { throw .ended(.noiseHandshake) }
        let (send, receive) = try noise.split()
        return NoiseSession(
            remotePeer: remote.peer,
            remotePublicKey: remote.key,
            muxer: try muxer(remote: remote.muxers),
            handshakeHash: noise.handshakeHash,
            sendCipher: NoiseSendCipher(key: send),
            receiveCipher: NoiseReceiveCipher(key: receive)
        )
    }

    /// The first of the initiator's list that both have; nil where a side gave no list.
    private func muxer(remote: [String]?) throws(LibP2PError) -> String? {
        guard let remote, !muxers.isEmpty else { return nil }
        let (preferred, other) = role == .initiator ? (muxers, remote) : (remote, muxers)
        guard let common = preferred.first(where: other.contains) else {
            throw .noCommonMuxer(remote: remote)
        }
        return common
    }

    private func frame(_ message: [UInt8]) -> [UInt8] {
        precondition(message.count <= Int(UInt16.max), "a message of \(message.count) bytes")
        return [UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message
    }
}
