internal import FoundationEssentials
internal import SwiftProtobuf

extension IdentifyMessage {
    /// The message without a length in front.
    ///
    /// - Throws: `tooLarge` above `ownByteCountMax`; leave out addresses or protocols.
    public func encode() throws(LibP2PError) -> [UInt8] {
        var message = IdentifyPayloadMessage()
        if let publicKeyMessage { message.publicKey = .init(publicKeyMessage) }
        message.listenAddrs = listenAddresses.map { .init($0.bytes) }
        message.protocols = protocols
        if let observedAddress { message.observedAddr = .init(observedAddress.bytes) }
        if let protocolVersion { message.protocolVersion = protocolVersion }
        if let agentVersion { message.agentVersion = agentVersion }
        if let signedPeerRecord { message.signedPeerRecord = .init(signedPeerRecord) }
        let bytes = message.wireBytes
        guard bytes.count <= Self.ownByteCountMax else {
            throw .tooLarge(
                .identify, byteCount: bytes.count, byteCountMax: Self.ownByteCountMax
            )
        }
        return bytes
    }

    /// Reads the messages of one stream, merged as protobuf merges concatenated messages: lists
    /// grow, later values replace earlier ones.
    ///
    /// Addresses that cannot be read are left out, as are those above the bounds.
    /// - Throws: `malformed(.identify)`, `tooLarge`, `tooMany`.
    public static func decode(frames: [[UInt8]]) throws(LibP2PError) -> IdentifyMessage {
        guard frames.count <= frameCountMax else {
            throw .tooMany(.identify, countMax: frameCountMax)
        }
        for frame in frames where frame.count > byteCountMax {
            throw .tooLarge(.identify, byteCount: frame.count, byteCountMax: byteCountMax)
        }
        let message = try IdentifyPayloadMessage(
            wireBytes: Array(frames.joined()), reading: .identify
        )
        var output = IdentifyMessage()
        output.publicKeyMessage = message.hasPublicKey ? Array(message.publicKey) : nil
        output.listenAddresses = Multiaddr.readable(
            message.listenAddrs.map { Array($0) }, countMax: addressCountMax
        )
        output.protocols = Array(message.protocols.prefix(protocolCountMax))
        if message.hasObservedAddr {
            output.observedAddress =
                Multiaddr.readable([Array(message.observedAddr)], countMax: 1).first
        }
        output.protocolVersion = message.hasProtocolVersion ? message.protocolVersion : nil
        output.agentVersion = message.hasAgentVersion ? message.agentVersion : nil
        output.signedPeerRecord =
            message.hasSignedPeerRecord ? Array(message.signedPeerRecord) : nil
        return output
    }

    /// Reads a single message.
    ///
    /// - Throws: `malformed(.identify)`, `tooLarge`.
    public static func decode(_ bytes: [UInt8]) throws(LibP2PError) -> IdentifyMessage {
        try decode(frames: [bytes])
    }
}
