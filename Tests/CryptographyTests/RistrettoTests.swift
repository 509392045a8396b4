import Testing

@testable import Cryptography

@Suite struct RistrettoTests {
    /// RFC 9496, appendix A.1: multiples 1 to 4 of the generator.
    static let multiples = [
        "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
        "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
        "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
        "da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57",
    ]

    @Test func `multiples of the generator are those of RFC 9496`() throws {
        var one = [UInt8](repeating: 0, count: 32)
        one[0] = 1
        let generator = try #require(SecretScalar(SecretBytes(copying: one))).point
        #expect(Hexadecimal.encode(generator.bytes) == Self.multiples[0])
        var sum = generator
        for (offset, expected) in Self.multiples.enumerated() {
            let scalar = RistrettoScalar(UInt16(offset + 1))
            #expect(generator.multiplied(by: scalar)?.bytes == hex(expected))
            #expect(sum.bytes == hex(expected))
            sum = try #require(sum.adding(generator))
        }
    }

    /// RFC 9496, appendix A.2: non-canonical and invalid encodings, and the identity.
    @Test(arguments: [
        "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
        "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
        "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d",
    ])
    func `other encodings are no points`(text: String) {
        #expect(RistrettoPoint(bytes: hex(text)) == nil)
    }

    @Test func `scalars at and above the order, and secret zero, are refused`() {
        var order = RistrettoScalar.order
        #expect(RistrettoScalar(bytes: order) == nil)
        #expect(SecretScalar(SecretBytes(copying: order)) == nil)
        order[0] -= 1
        #expect(RistrettoScalar(bytes: order) != nil)
        #expect(SecretScalar(SecretBytes(copying: order)) != nil)
        let zero = [UInt8](repeating: 0, count: 32)
        #expect(SecretScalar(SecretBytes(copying: zero)) == nil)
        #expect(RistrettoScalar(bytes: zero)?.inverse == nil)
        #expect(RistrettoScalar(bytes: [1]) == nil)
        #expect(SecretScalar(SecretBytes(copying: [1])) == nil)
        let one = RistrettoScalar(1)
        let last = RistrettoScalar(0).subtracting(one)
        #expect(last.bytes == order)
        #expect(last.multiplied(by: last) == one)
    }

    /// The keys of the protocol's vectors.
    @Test func `public keys and the shared secret are those of the vectors`() throws {
        let first = SecretSharingTests.scalar("psa1/kat/sk/1")
        let second = SecretSharingTests.scalar("psa1/kat/sk/2")
        #expect(
            Hexadecimal.encode(first.point.bytes)
                == "a2fad24a6186300f85978799ce905e7162aeedc0915ce71b9653b1b699bd0330")
        #expect(
            Hexadecimal.encode(second.point.bytes)
                == "6cc0db561415a8c3964acbc19ac02ce4d8376f03654e4b92afd2b4589046b61d")
        let secret = try first.sharedSecret(with: second.point)
        #expect(
            Hexadecimal.encode(secret.copyBytes())
                == "9c27b1a31a74b07d0547882060efb0dc530466a6719a596c3786dbcf579b6f64")
        #expect(secret.isEqual(to: try second.sharedSecret(with: first.point)))
    }

    @Test func `session keys cross over and depend on the roles`() throws {
        let client = AgreementKey()
        let server = AgreementKey()
        let one = try client.sessionKeys(with: server.publicKey, isClient: true)
        let two = try server.sessionKeys(with: client.publicKey, isClient: false)
        #expect(one.send.isEqual(to: two.receive))
        #expect(one.receive.isEqual(to: two.send))
        #expect(!one.send.isEqual(to: one.receive))
        // libsodium's definition: BLAKE2b-512 of shared secret, client key, server key.
        let shared = try client.sharedSecret(with: server.publicKey).copyBytes()
        let both = KeyedDerivation.blake2b(
            key: nil, message: shared + client.publicKey + server.publicKey, byteCount: 64)
        #expect(one.receive.copyBytes() + one.send.copyBytes() == both.copyBytes())
        #expect(throws: CryptographyError.weakSharedSecret) {
            try client.sessionKeys(with: [UInt8](repeating: 0, count: 32), isClient: true)
        }
        #expect(throws: CryptographyError.wrongByteCount(expected: 32, actual: 3)) {
            try client.sessionKeys(with: [1, 2, 3], isClient: true)
        }
    }
}
