import Testing

@testable import Cryptography

@Suite struct SigningKeyTests {
    struct Vector: Sendable {
        let seed: String
        let publicKey: String
        let message: String
        let signature: String
    }

    /// RFC 8032, section 7.1, tests 1 to 3.
    static let vectors = [
        Vector(
            seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            message: "",
            signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        Vector(
            seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            message: "72",
            signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        Vector(
            seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            message: "af82",
            signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ]

    @Test(arguments: vectors)
    func `keys and signatures are those of RFC 8032`(vector: Vector) throws {
        let key = try #require(SigningKey(seed: hex(vector.seed)))
        let message = hex(vector.message)
        #expect(key.publicKey.description == vector.publicKey)
        #expect(key.copySeed() == hex(vector.seed))
        #expect(Hexadecimal.encode(key.signature(for: message)) == vector.signature)
        #expect(key.publicKey.isValidSignature(hex(vector.signature), for: message))
    }

    @Test func `every changed bit of a signature is noticed`() throws {
        let vector = Self.vectors[1]
        let key = try #require(PublicKey(bytes: hex(vector.publicKey)))
        for bit in 0..<512 {
            var signature = hex(vector.signature)
            signature[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!key.isValidSignature(signature, for: hex(vector.message)))
        }
    }

    @Test func `another message, key or length is refused`() throws {
        let vector = Self.vectors[1]
        let key = try #require(PublicKey(bytes: hex(vector.publicKey)))
        let other = try #require(PublicKey(bytes: hex(Self.vectors[2].publicKey)))
        let signature = hex(vector.signature)
        #expect(!key.isValidSignature(signature, for: [0x73]))
        #expect(!key.isValidSignature(signature, for: []))
        #expect(!other.isValidSignature(signature, for: [0x72]))
        #expect(!key.isValidSignature(Array(signature.dropLast()), for: [0x72]))
        #expect(!key.isValidSignature(signature + [0], for: [0x72]))
        #expect(!key.isValidSignature([], for: [0x72]))
    }

    @Test func `the second form of the same signature is refused`() throws {
        // The scalar of test 2 plus the group order: the equation holds, the encoding must not.
        let signature = hex(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "f52db7415978abc61b2c2eb6aeebfca0387b2eaeb4302aeeb00d291612bb0c10"
        )
        let key = try #require(PublicKey(bytes: hex(Self.vectors[1].publicKey)))
        #expect(!key.isValidSignature(signature, for: [0x72]))
    }

    @Test func `a key of small order has no valid signature`() throws {
        // With the neutral element as key and R, and S = 0, the plain equation holds always.
        let neutral = [1] + [UInt8](repeating: 0, count: 31)
        let key = try #require(PublicKey(bytes: neutral))
        #expect(!key.isValidSignature(neutral + [UInt8](repeating: 0, count: 32), for: [1, 2]))
    }

    @Test func `generated keys differ and sign`() {
        let first = SigningKey.generate()
        let second = SigningKey.generate()
        #expect(first.publicKey != second.publicKey)
        #expect(first.publicKey.isValidSignature(first.signature(for: [1]), for: [1]))
        #expect(!second.publicKey.isValidSignature(first.signature(for: [1]), for: [1]))
    }

    @Test func `seeds and keys of another length are refused`() {
        #expect(SigningKey(seed: [UInt8](repeating: 0, count: 31)) == nil)
        #expect(SigningKey(seed: SecretBytes.random(count: 33)) == nil)
        #expect(PublicKey(bytes: [UInt8](repeating: 0, count: 33)) == nil)
        #expect(PublicKey(bytes: []) == nil)
    }
}
