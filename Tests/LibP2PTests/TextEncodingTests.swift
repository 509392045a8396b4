import Cryptography
import Testing

@testable import LibP2P

@Suite struct TextEncodingTests {
    /// Base58 vectors of the IETF draft and of Bitcoin's tests.
    @Test(arguments: [
        ("", ""),
        ("00", "1"),
        ("0000287fb4cd", "11233QC4"),
        ("48656c6c6f20576f726c6421", "2NEpo7TZRRrLZSi2U"),
        ("516b6fcd0f", "ABnLTmg"),
        (
            "00eb15231dfceb60925886b67d065299925915aeb172c06647",
            "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"
        ),
        ("00000000000000000000", "1111111111"),
    ])
    func `base 58 has the published texts`(bytes: String, text: String) throws {
        #expect(Base58.encode(hex(bytes)) == text)
        #expect(try Base58.decode(text) == hex(bytes))
    }

    @Test(arguments: ["0", "O", "I", "l", "é", "1 1", "+"])
    func `base 58 refuses characters outside its alphabet`(text: String) {
        #expect(throws: LibP2PError.malformed(.base58)) { try Base58.decode(text) }
    }

    @Test func `base 58 bounds its input`() {
        #expect(throws: LibP2PError.self) {
            try Base58.decode(String(repeating: "z", count: Base58.characterCountMax + 1))
        }
    }

    /// RFC 4648, section 10, without padding and in lower case.
    @Test(arguments: [
        ("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foob", "mzxw6yq"),
        ("fooba", "mzxw6ytb"), ("foobar", "mzxw6ytboi"),
    ])
    func `base 32 has the published texts`(plain: String, text: String) throws {
        #expect(BitText.base32.encode(Array(plain.utf8)) == text)
        #expect(try BitText.base32.decode(text.utf8) == Array(plain.utf8))
    }

    @Test(arguments: ["m", "mz", "mzx", "MY", "m1", "mzxw6z", "my======"])
    func `base 32 refuses loose bits, wrong lengths and other characters`(text: String) {
        // "mz" leaves bits that are not zero, "m" and "mzx" leave a whole character.
        #expect(throws: LibP2PError.malformed(.base32)) { try BitText.base32.decode(text.utf8) }
    }

    @Test func `every base gives back what went in`() throws {
        var generator = SeededGenerator(seed: 58)
        for count in 0..<60 {
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if count > 3 { bytes[0] = 0 }
            #expect(try Base58.decode(Base58.encode(bytes)) == bytes)
            #expect(try Multibase.decode("b" + BitText.base32.encode(bytes)) == bytes)
            #expect(try Multibase.decode("u" + BitText.base64URL.encode(bytes)) == bytes)
            #expect(try Multibase.decode("f" + Hexadecimal.encode(bytes)) == bytes)
            #expect(try Multibase.decode("z" + Base58.encode(bytes)) == bytes)
        }
    }

    @Test(arguments: ["", "x00", "Qm", "m00"])
    func `an unknown base is refused`(text: String) {
        #expect(throws: LibP2PError.malformed(.base32)) { try Multibase.decode(text) }
    }
}
