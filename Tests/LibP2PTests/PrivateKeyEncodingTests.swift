import Cryptography
import Testing

@testable import LibP2P

@Suite struct PrivateKeyEncodingTests {
    static let file = hex("08011240" + PeerIDTests.seed + PeerIDTests.publicKey)

    @Test func `the key of the specification is read and written`() throws {
        let key = try PrivateKeyEncoding.decode(Self.file)
        #expect(key.publicKey.description == PeerIDTests.publicKey)
        #expect(PrivateKeyEncoding.encode(key) == Self.file)
        #expect(Self.file.count == PrivateKeyEncoding.byteCount)
    }

    @Test func `the older form that repeats the public key is read`() throws {
        let old = hex(
            "08011260" + PeerIDTests.seed + PeerIDTests.publicKey + PeerIDTests.publicKey
        )
        #expect(
            try PrivateKeyEncoding.decode(old).publicKey.description == PeerIDTests.publicKey
        )
    }

    @Test func `copies that differ are refused`() {
        let old = hex("08011260" + PeerIDTests.seed + PeerIDTests.publicKey + PeerIDTests.publicKey)
        for index in [4 + 40, 4 + 70] {
            var changed = old
            changed[index] ^= 1
            #expect(throws: LibP2PError.keyCopiesDiffer) { try PrivateKeyEncoding.decode(changed) }
        }
        var changed = Self.file
        changed[4] ^= 1
        #expect(throws: LibP2PError.keyCopiesDiffer) { try PrivateKeyEncoding.decode(changed) }
    }

    @Test func `an RSA key file is refused by name, whatever its length`() {
        let failure = LibP2PError.unsupportedKeyType(.rsa)
        #expect(throws: failure) { try PrivateKeyEncoding.decode([0x08, 0x00, 0x12, 0x01, 5]) }
        #expect(throws: failure) {
            try PrivateKeyEncoding.decode(
                [0x08, 0x00, 0x12, 0x80, 0x09] + [UInt8](repeating: 1, count: 1152)
            )
        }
    }

    @Test func `cut, empty and oversized files are refused`() {
        for count in 0..<Self.file.count {
            #expect(throws: LibP2PError.malformed(.privateKey)) {
                try PrivateKeyEncoding.decode(Array(Self.file.prefix(count)))
            }
        }
        #expect(throws: LibP2PError.self) {
            try PrivateKeyEncoding.decode([UInt8](repeating: 8, count: 5000))
        }
        Mutations.run(seed: 0x3d, count: 500, inputs: [Self.file]) { bytes in
            _ = try? PrivateKeyEncoding.decode(bytes)
        }
    }
}
