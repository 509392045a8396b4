internal import Cryptography

@testable internal import LibP2P

/// Keys and names of the first inputs, the same in every run.
enum Samples {
    static func key(_ byte: UInt8) -> SigningKey {
        guard let key = SigningKey(seed: [UInt8](repeating: byte, count: SigningKey.seedByteCount))
        else { preconditionFailure("a seed of 32 bytes was refused") }
        return key
    }

    static func agreementKey(_ byte: UInt8) -> AgreementKey {
        guard let key = AgreementKey(secret: [UInt8](repeating: byte, count: 32)) else {
            preconditionFailure("a secret of 32 bytes was refused")
        }
        return key
    }

    static let keys = (1...4).map { key($0) }
    static let peers = keys.map { PeerID(publicKey: $0.publicKey) }

    static func digest(_ text: String) -> Digest { Hashing.blake2b256(Array(text.utf8)) }

    static let addressTexts = [
        "/ip4/203.0.113.5/tcp/7411",
        "/ip4/203.0.113.5/tcp/7411/p2p/\(peers[0])",
        "/ip6/2001:db8::7/tcp/7411/p2p/\(peers[1])",
        "/ip6zone/eth0/ip6/fe80::1/tcp/1",
        "/dns4/node.example.org/tcp/443/tls/ws",
        "/dnsaddr/bootstrap.example.org/p2p/\(peers[2])",
        "/ip4/203.0.113.5/udp/4001/quic-v1/p2p/\(peers[0])/p2p-circuit/p2p/\(peers[1])",
        "/unix/tmp/socket",
    ]

    static let addresses = addressTexts.compactMap { try? Multiaddr($0) }

    /// A signed record with two addresses.
    static func record(_ index: Int, sequence: UInt64 = 7) -> [UInt8] {
        let record = PeerRecord(
            peerID: peers[index], sequenceNumber: sequence,
            addresses: Array(addresses.prefix(2)))
        guard let envelope = try? record.sealed(by: keys[index]) else {
            preconditionFailure("a record of the key's own peer was refused")
        }
        return envelope.bytes
    }
}

/// A generator that gives the same numbers in every run.
struct Counter: RandomNumberGenerator {
    private var state: UInt64 = 1

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state
    }
}
