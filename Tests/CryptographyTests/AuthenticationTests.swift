import Testing

@testable import Cryptography

@Suite struct AuthenticationTests {
    struct Vector: Sendable {
        let key: [UInt8]
        let message: [UInt8]
        let code: String
    }

    /// RFC 4231, tests 1 to 4, 6 and 7.
    static let vectors = [
        Vector(
            key: [UInt8](repeating: 0x0b, count: 20),
            message: Array("Hi There".utf8),
            code: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        Vector(
            key: Array("Jefe".utf8),
            message: Array("what do ya want for nothing?".utf8),
            code: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        Vector(
            key: [UInt8](repeating: 0xaa, count: 20),
            message: [UInt8](repeating: 0xdd, count: 50),
            code: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        Vector(
            key: (1...25).map(UInt8.init),
            message: [UInt8](repeating: 0xcd, count: 50),
            code: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        Vector(
            key: [UInt8](repeating: 0xaa, count: 131),
            message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            code: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        Vector(
            key: [UInt8](repeating: 0xaa, count: 131),
            message: Array(
                ("This is a test using a larger than block-size key and a larger than "
                    + "block-size data. The key needs to be hashed before being used by the "
                    + "HMAC algorithm.").utf8
            ),
            code: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
        ),
    ]

    @Test(arguments: vectors)
    func `codes are those of RFC 4231`(vector: Vector) {
        let code = Authentication.hmacSHA256(key: vector.key, message: vector.message)
        #expect(code.hexadecimal == vector.code)
        let secret = SecretBytes(copying: vector.key)
        #expect(Authentication.hmacSHA256(key: secret, message: vector.message) == code)
        #expect(Authentication.isValid(code: code.bytes, key: secret, message: vector.message))
    }

    @Test func `a changed code, message or key is refused`() {
        let key = SecretBytes.random(count: 32)
        var code = Authentication.hmacSHA256(key: key, message: [1]).bytes
        #expect(!Authentication.isValid(code: code, key: key, message: [2]))
        #expect(!Authentication.isValid(code: Array(code.dropLast()), key: key, message: [1]))
        let other = SecretBytes.random(count: 32)
        #expect(!Authentication.isValid(code: code, key: other, message: [1]))
        code[31] ^= 1
        #expect(!Authentication.isValid(code: code, key: key, message: [1]))
    }

    /// RFC 5869, test 3: salt of zeros, no info; its first 32 bytes are the first output.
    @Test func `the Noise key derivation is HKDF without info`() {
        let (first, second) = NoiseKeyDerivation.derive(
            chainingKey: SecretBytes(copying: [UInt8](repeating: 0, count: 32)),
            input: SecretBytes(copying: [UInt8](repeating: 0x0b, count: 22))
        )
        #expect(
            first.copyBytes()
                == hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d")
        )
        #expect(second.copyBytes().prefix(10).elementsEqual(hex("9d201395faa4b61a96c8")))
    }

    @Test func `an empty input is an empty message`() {
        let key = SecretBytes.random(count: 32)
        let temporary = Authentication.hmacSHA256(key: key, message: [])
        let (first, second) = NoiseKeyDerivation.derive(chainingKey: key, input: nil)
        let expected = Authentication.hmacSHA256(key: temporary.bytes, message: [1])
        #expect(first.copyBytes() == expected.bytes)
        let last = Authentication.hmacSHA256(key: temporary.bytes, message: expected.bytes + [2])
        #expect(second.copyBytes() == last.bytes)
    }
}
