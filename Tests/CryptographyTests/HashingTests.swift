import Testing

@testable import Cryptography

@Suite struct HashingTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `SHA-256 gives the published digests`(text: String, digest: String) {
        #expect(Hashing.sha256(Array(text.utf8)).hexadecimal == digest)
    }

    @Test func `SHA-256 of a million letters is the published digest`() {
        let text = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        #expect(
            Hashing.sha256(text).hexadecimal
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        )
    }

    @Test(arguments: [
        ("", "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"),
        ("abc", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
    ])
    func `BLAKE2b-256 gives the published digests`(text: String, digest: String) {
        #expect(Hashing.blake2b256(Array(text.utf8)).hexadecimal == digest)
    }

    /// Key and inputs are those of the BLAKE2 known-answer file; the digests of 32 bytes come from
    /// CPython's `hashlib`.
    static let keyed: [(count: Int, digest: String)] = [
        (0, "2fa9fbd9be36437de204e139e97d402bce68c828f43391608c891b5faed8a98a"),
        (1, "34758b647135628297fb09c7930cd04e9528e5669112f5b1318493e14de77e55"),
        (64, "28c89a7c58f807ae33bc5aae78340e9c565290597436632f4613dbe33192c5db"),
        (127, "7c0bfe069b3ba04e2c88bac200999e2b1c9ef2f96f9ffa69b665efca9230c9ab"),
        (128, "6a591b356f19ca93ae2bcc7406653ff34aea53cea58bec62803e571d94944165"),
        (129, "20f607da31ed9652deecf4ef78905d4916ba6f5df37bfc4b610d50ba5447623a"),
        (255, "fe7b76a61787c089141f9e10fca1e5092488d89c62ea793fb2c5b1f849b4f2cb"),
    ]

    @Test(arguments: keyed)
    func `keyed BLAKE2b-256 agrees with another implementation`(count: Int, digest: String) {
        let key = (0..<64).map(UInt8.init)
        let input = (0..<count).map { UInt8($0) }
        #expect(Hashing.blake2b256(input, key: key).hexadecimal == digest)
    }

    @Test func `a hash in pieces equals the hash of the whole`() {
        let input = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        for size in [1, 7, 64, 127, 128, 129, 999] {
            var blake = BLAKE2bHasher(key: [1, 2, 3])
            var sha = SHA256Hasher()
            for start in stride(from: 0, to: input.count, by: size) {
                let piece = Array(input[start..<min(start + size, input.count)])
                blake.update(piece)
                sha.update(piece)
            }
            #expect(blake.finalize() == Hashing.blake2b256(input, key: [1, 2, 3]))
            #expect(sha.finalize() == Hashing.sha256(input))
        }
    }

    @Test func `a copied hasher goes its own way`() {
        var first = BLAKE2bHasher()
        first.update([1])
        var second = first
        second.update([2])
        first.update([3])
        #expect(first.finalize() == Hashing.blake2b256([1, 3]))
        #expect(second.finalize() == Hashing.blake2b256([1, 2]))
        #expect(first.finalize() == Hashing.blake2b256([1, 3]))
    }

    @Test func `a digest reads its own text and nothing else`() throws {
        let digest = Hashing.sha256([])
        #expect(Digest(hexadecimal: digest.hexadecimal) == digest)
        #expect(Digest(hexadecimal: digest.hexadecimal.uppercased()) == digest)
        #expect(Digest(hexadecimal: String(digest.hexadecimal.dropLast())) == nil)
        #expect(Digest(hexadecimal: digest.hexadecimal.dropLast() + "g") == nil)
        #expect(Digest(bytes: [UInt8](repeating: 0, count: 31)) == nil)
        let low = try #require(Digest(bytes: [UInt8](repeating: 1, count: 32)))
        let high = try #require(Digest(bytes: [0xff] + [UInt8](repeating: 0, count: 31)))
        #expect(low < high)
        #expect(!(high < low))
    }
}
