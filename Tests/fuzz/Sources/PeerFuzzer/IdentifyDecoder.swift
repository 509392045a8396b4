internal import Cryptography

@testable internal import LibP2P

/// What a peer says of itself on an identify stream.
enum IdentifyDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        let full = IdentifyMessage(
            publicKey: Samples.keys[0].publicKey, listenAddresses: Samples.addresses,
            protocols: ["/ipfs/ping/1.0.0", "/meshsub/1.1.0"],
            observedAddress: Samples.addresses[0], protocolVersion: "starling/1",
            agentVersion: "starling/0.1")
        var signed = full
        signed.signedPeerRecord = Samples.record(0)
        return [full, signed, IdentifyMessage()].map { message in
            [0xFF] + LengthPrefixedDecoder.encode((try? message.encode()) ?? [])
        }
    }

    static func read(_ input: [UInt8]) {
        var receiver = IdentifyReceiverInstance()
        for piece in pieces(input).pieces {
            guard (try? receiver.receive(piece)) != nil else { return }
        }
        guard let message = try? receiver.finish() else { return }
        precondition(message.listenAddresses.count <= IdentifyMessage.addressCountMax)
        precondition(message.protocols.count <= IdentifyMessage.protocolCountMax)
        _ = try? message.verifyKey(of: Samples.peers[0])
        if let record = message.signedPeerRecord { _ = try? SignedPeerRecord(envelope: record) }
        if let bytes = try? message.encode() {
            precondition((try? IdentifyMessage.decode(bytes)) == message, "it does not read back")
        }
    }
}
