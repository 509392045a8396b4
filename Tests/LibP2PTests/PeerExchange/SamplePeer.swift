import Cryptography
import LibP2P
import Testing

/// A peer with a key made of a number, for the tests of peer exchange.
struct SamplePeer {
    let key: SigningKey
    let id: PeerID

    init(_ number: Int) throws {
        let seed =
            Array(repeating: UInt8(7), count: 30) + [UInt8(number >> 8), UInt8(number & 255)]
        key = try #require(SigningKey(seed: seed))
        id = PeerID(publicKey: key.publicKey)
    }

    func record(
        sequence: UInt64 = 1, addresses: [String] = ["/ip4/10.0.0.1/tcp/7411"]
    ) throws -> SignedPeerRecord {
        let record = PeerRecord(
            peerID: id, sequenceNumber: sequence, addresses: try addresses.map { try Multiaddr($0) }
        )
        return try SignedPeerRecord(envelope: record.sealed(by: key).bytes)
    }
}
