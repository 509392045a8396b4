import Testing

@testable import Cryptography

@Suite struct CipherTests {
    static let plaintext = Array(
        ("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
            + "future, sunscreen would be it.").utf8
    )
    static let data = hex("50515253c0c1c2c3c4c5c6c7")
    static let key = SecretBytes(copying: (0x80...0x9f).map(UInt8.init))

    /// RFC 8439, section 2.8.2.
    static let ciphertext = hex(
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
            + "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
            + "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
            + "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"
    )
    /// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    static let extendedCiphertext = hex(
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
            + "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
            + "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
            + "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49"
    )

    @Test func `ChaCha20-Poly1305 is that of RFC 8439`() throws {
        let cipher = try #require(ChaChaPoly(key: Self.key))
        let nonce = try #require(ChaChaPoly.Nonce(bytes: hex("070000004041424344454647")))
        #expect(
            cipher.seal(Self.plaintext, nonce: nonce, associatedData: Self.data)
                == Self.ciphertext
        )
        #expect(
            try cipher.open(Self.ciphertext, nonce: nonce, associatedData: Self.data)
                == Self.plaintext
        )
    }

    @Test func `in place gives the same bytes as with arrays`() throws {
        let cipher = try #require(ChaChaPoly(key: Self.key))
        for count in [0, 1, 63, 64, 65, 1000] {
            let plaintext = SystemRandom.bytes(count)
            let nonce = ChaChaPoly.Nonce(counter: UInt64(count))
            var buffer = plaintext + [UInt8](repeating: 0xee, count: 16)
            unsafe buffer.withUnsafeMutableBytes { cipher.seal(inPlace: $0, nonce: nonce) }
            #expect(buffer == cipher.seal(plaintext, nonce: nonce))
            let opened = try unsafe buffer.withUnsafeMutableBytes {
                try cipher.open(inPlace: $0, nonce: nonce)
            }
            #expect(opened == count)
            #expect(Array(buffer.prefix(opened)) == plaintext)
        }
    }

    @Test func `a counter is the last eight bytes of a nonce, little-endian`() {
        let bytes: [UInt8] = [0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1]
        #expect(ChaChaPoly.Nonce(counter: 0x0102_0304_0506_0708) == ChaChaPoly.Nonce(bytes: bytes))
        #expect(ChaChaPoly.Nonce(bytes: [1, 2, 3]) == nil)
    }

    @Test func `every changed byte of a ciphertext is noticed`() throws {
        let cipher = try #require(ChaChaPoly(key: Self.key))
        let nonce = try #require(ChaChaPoly.Nonce(bytes: hex("070000004041424344454647")))
        for index in Self.ciphertext.indices {
            var changed = Self.ciphertext
            changed[index] ^= 0x40
            #expect(throws: CryptographyError.authenticationFailed) {
                try cipher.open(changed, nonce: nonce, associatedData: Self.data)
            }
            #expect(throws: CryptographyError.authenticationFailed) {
                try unsafe changed.withUnsafeMutableBytes {
                    try cipher.open(inPlace: $0, nonce: nonce)
                }
            }
        }
    }

    @Test func `another nonce, other data and cut ciphertexts are refused`() throws {
        let cipher = try #require(ChaChaPoly(key: Self.key))
        let nonce = ChaChaPoly.Nonce(counter: 1)
        let sealed = cipher.seal([1, 2, 3], nonce: nonce, associatedData: [9])
        let failure = CryptographyError.authenticationFailed
        #expect(throws: failure) { try cipher.open(sealed, nonce: .init(counter: 2)) }
        #expect(throws: failure) {
            try cipher.open(sealed, nonce: nonce, associatedData: [8])
        }
        for count in 0..<sealed.count {
            #expect(throws: failure) {
                try cipher.open(Array(sealed.prefix(count)), nonce: nonce, associatedData: [9])
            }
        }
        #expect(ChaChaPoly(key: SecretBytes.random(count: 16)) == nil)
    }

    @Test func `XChaCha20-Poly1305 is that of the draft`() throws {
        let cipher = try #require(XChaChaPoly(key: Self.key))
        let nonce = (0x40...0x57).map(UInt8.init)
        #expect(
            try cipher.seal(Self.plaintext, nonce: nonce, associatedData: Self.data)
                == Self.extendedCiphertext
        )
        #expect(
            try cipher.open(Self.extendedCiphertext, nonce: nonce, associatedData: Self.data)
                == Self.plaintext
        )
    }

    @Test func `a box under a random nonce opens once and only unchanged`() throws {
        let cipher = try #require(XChaChaPoly(key: Self.key))
        let box = cipher.seal([1, 2, 3], associatedData: [4])
        #expect(box != cipher.seal([1, 2, 3], associatedData: [4]))
        #expect(try cipher.open(box, associatedData: [4]) == [1, 2, 3])
        let failure = CryptographyError.authenticationFailed
        for index in box.indices {
            var changed = box
            changed[index] ^= 1
            #expect(throws: failure) { try cipher.open(changed, associatedData: [4]) }
            #expect(throws: failure) {
                try cipher.open(Array(box.prefix(index)), associatedData: [4])
            }
        }
        #expect(throws: CryptographyError.wrongByteCount(expected: 24, actual: 12)) {
            try cipher.seal([1], nonce: [UInt8](repeating: 0, count: 12))
        }
        #expect(throws: CryptographyError.wrongByteCount(expected: 24, actual: 25)) {
            try cipher.open(box, nonce: [UInt8](repeating: 0, count: 25))
        }
    }
}
