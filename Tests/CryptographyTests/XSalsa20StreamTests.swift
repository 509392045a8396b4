import Cryptography
import Testing

@Suite struct XSalsa20StreamTests {
    /// The key and nonce of NaCl's tests, from "Cryptography in NaCl".
    static let key = Hexadecimal.decode(
        "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
    static let nonce = Hexadecimal.decode("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")

    static func stream() throws -> XSalsa20Stream {
        let key = SecretBytes(copying: try #require(Self.key))
        let nonce = try #require(Self.nonce)
        return try #require(XSalsa20Stream(key: key, nonce: nonce))
    }

    static func apply(_ stream: inout XSalsa20Stream, to bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        unsafe bytes.withUnsafeMutableBytes { unsafe stream.apply(to: $0) }
        return bytes
    }

    @Test func `the key stream is that of NaCl`() throws {
        var stream = try Self.stream()
        let bytes = Self.apply(&stream, to: [UInt8](repeating: 0, count: 4_194_304))
        #expect(
            Hexadecimal.encode(bytes.prefix(32))
                == "eea6a7251c1e72916d11c2cb214d3c252539121d8e234e652d651fa4c8cff880")
        #expect(
            Hashing.sha256(bytes).hexadecimal
                == "662b9d0e3463029156069b12f918691a98f7dfb2ca0393c96bbfc6b1fbd630a2")
    }

    @Test func `pieces of any length give what one piece gives`() throws {
        let plaintext = (0..<2_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var whole = try Self.stream()
        let expected = Self.apply(&whole, to: plaintext)
        #expect(expected != plaintext)
        for step in [1, 3, 63, 64, 65, 127, 128, 1_000] {
            var stream = try Self.stream()
            var bytes: [UInt8] = []
            for start in stride(from: 0, to: plaintext.count, by: step) {
                let end = min(start + step, plaintext.count)
                bytes += Self.apply(&stream, to: Array(plaintext[start..<end]))
                bytes += Self.apply(&stream, to: [])
            }
            #expect(bytes == expected, "pieces of \(step)")
        }
        var back = try Self.stream()
        #expect(Self.apply(&back, to: expected) == plaintext)
    }

    @Test func `keys and nonces of other lengths are refused`() throws {
        let nonce = try #require(Self.nonce)
        #expect(XSalsa20Stream(key: .random(count: 31), nonce: nonce) == nil)
        #expect(XSalsa20Stream(key: .random(count: 32), nonce: Array(nonce.dropLast())) == nil)
    }
}
