import Cryptography
import Testing

@testable import LibP2P

@Suite struct PeerIDTests {
    static let publicKey = "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"
    static let seed = "7e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d"
    static let text = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"

    /// An RSA key message as Kubo generates it: 2048 bits, only the length matters here.
    static let rsaMessage: [UInt8] =
        [0x08, 0x00, 0x12, 0xa6, 0x02] + [UInt8](repeating: 0x30, count: 294)

    @Test func `the key of the specification has its id in both forms`() throws {
        let key = try #require(PublicKey(bytes: hex(Self.publicKey)))
        let peer = PeerID(publicKey: key)
        #expect(Hexadecimal.encode(PublicKeyEncoding.encode(key)) == "08011220" + Self.publicKey)
        #expect(peer.description == Self.text)
        #expect(peer.bytes == hex("0024 08011220" + Self.publicKey))
        #expect(
            peer.cidText == "bafzaajaiaejcahwr5d5ofrfbis4l5d6uwr57hu5tjodrypfm6yaq6dsc2r2pzyt6"
        )
        #expect(PeerID(text: peer.cidText) == peer)
        #expect(PeerID(text: Self.text) == peer)
        #expect(PeerID(bytes: peer.bytes) == peer)
        #expect(peer.publicKey == key)
    }

    @Test func `the identities of the vectors have their ids`() {
        #expect(
            Fixtures.initiatorID.description
                == "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5"
        )
        #expect(
            Fixtures.responderID.description
                == "12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq"
        )
        #expect(Fixtures.responderID < Fixtures.initiatorID)
    }

    @Test(arguments: [
        "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe",
        "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
        "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
    ])
    func `all text forms are read, and base 58 is printed`(text: String) throws {
        let peer = try #require(PeerID(text: text))
        #expect(PeerID(text: peer.description) == peer)
        #expect(PeerID(text: peer.cidText) == peer)
        #expect(text.hasPrefix("b") ? peer.cidText == text : peer.description == text)
    }

    @Test func `a long key is hashed over its bytes as received`() throws {
        let peer = try PeerID(publicKeyMessage: Self.rsaMessage)
        #expect(peer.bytes == [0x12, 0x20] + Hashing.sha256(Self.rsaMessage).bytes)
        #expect(peer.description.hasPrefix("Qm"))
        #expect(peer.publicKey == nil)
        #expect(PeerID(text: peer.description) == peer)
    }

    @Test(arguments: [0, 2, 3, 9] as [UInt8])
    func `another key type is named, not called malformed`(number: UInt8) {
        let type = KeyType(wireNumber: UInt64(number))
        let message = [0x08, number, 0x12, 0x03, 1, 2, 3]
        #expect(throws: LibP2PError.unsupportedKeyType(type)) {
            try PublicKeyEncoding.decode(message)
        }
        #expect(throws: Never.self) { try PeerID(publicKeyMessage: message) }
    }

    @Test func `only the one deterministic encoding of a key is taken`() {
        let key = [UInt8](repeating: 9, count: 32)
        let wrong: [[UInt8]] = [
            [0x12, 0x20] + key + [0x08, 0x01],
            [0x08, 0x81, 0x00, 0x12, 0x20] + key,
            [0x08, 0x01, 0x12, 0x20] + key + [0x18, 0x01],
            [0x08, 0x01, 0x12, 0x1f] + key.dropLast(),
            [0x08, 0x01],
            [0x12, 0x20] + key,
            [0x08, 0x01, 0x12, 0x20] + key.dropLast(),
            [],
        ]
        for message in wrong {
            #expect(throws: LibP2PError.malformed(.publicKey)) {
                try PublicKeyEncoding.decode(message)
            }
        }
    }

    @Test func `ids that name no key are refused`() {
        let good = Fixtures.initiatorID.bytes
        let wrong: [[UInt8]] = [
            [], [0], [0, 0], [0, 36], Array(good.dropLast()), good + [0],
            [0x00, 0x04, 1, 2, 3, 4], [0x12, 0x20] + [UInt8](repeating: 0, count: 31),
            [0x12, 0x1f] + [UInt8](repeating: 0, count: 31),
            [0x13, 0x20] + [UInt8](repeating: 0, count: 32),
            [0x00, 0x80 | 0x24, 0x00] + good[2...],
        ]
        for bytes in wrong { #expect(PeerID(bytes: bytes) == nil) }
        for text in ["", "1", "Qm", "12D3KooW", "b", Self.text + "1", "Z" + Self.text] {
            #expect(PeerID(text: text) == nil)
        }
        // The right multihash under another codec, and under another version.
        let raw = "b" + BitText.base32.encode([1, 0x55] + good)
        #expect(PeerID(text: raw) == nil)
        #expect(PeerID(text: "b" + BitText.base32.encode([2, 0x72] + good)) == nil)
    }

    @Test func `damaged texts give an id or nil, never more`() {
        let seeds = [
            Self.text, Fixtures.initiatorID.cidText,
            "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
        ]
        Mutations.run(seed: 0x1d, count: 1000, inputs: seeds.map { Array($0.utf8) }) { bytes in
            if let peer = PeerID(text: String(decoding: bytes, as: UTF8.self)) {
                #expect(PeerID(text: peer.description) == peer)
            }
        }
        let inputs = [Fixtures.initiatorID.bytes, [0x12, 0x20] + [UInt8](repeating: 5, count: 32)]
        Mutations.run(seed: 0x2d, count: 2000, inputs: inputs) { bytes in
            if let peer = PeerID(bytes: bytes) { #expect(peer.bytes == bytes) }
        }
    }
}
