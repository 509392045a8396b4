import Testing

@testable import Cryptography

@Suite struct MaskGeneratorTests {
    static func seed(_ text: String) -> SecretBytes { SecretBytes(copying: hex(text)) }

    /// The protocol's vectors for a pair's seed.
    @Test func `words are those of the vectors, each chunk on its own`() {
        let seed = Self.seed("7423303fd60fbda25a7b9ffd66730c934a529f192513fc8f81c325d28725e819")
        var words = [UInt32](repeating: 0, count: 4100)
        MaskGenerator.apply([.init(seed: seed, isSubtracted: false)], to: &words)
        #expect(words[..<4] == [2_660_389_656, 548_971_099, 1_882_846_530, 1_790_656_443])
        #expect(words[4096...] == [1_903_762_004, 3_629_810_644, 513_253_826, 4_255_018_255])
        var second = [UInt32](repeating: 0, count: 4)
        MaskGenerator.apply(
            [.init(seed: seed, isSubtracted: false)], to: &second, firstChunk: 1)
        #expect(second[...] == words[4096...])
    }

    /// The protocol's vectors for a member's own seed.
    @Test func `the words of the own seed are those of the vectors`() {
        let seed = Self.seed("d5f5ecc8651aace8bb0701fba1c576ea568e24dc148914aa71873bbe918348e6")
        var words = [UInt32](repeating: 0, count: 4)
        MaskGenerator.apply([.init(seed: seed, isSubtracted: false)], to: &words)
        #expect(words == [3_924_683_033, 1_801_525_159, 3_196_458_203, 18_190_190])
    }

    @Test func `what is added is taken off again, in any order and any cut`() {
        let seeds = (0..<3).map { _ in SecretBytes.random(count: 32) }
        let plain = (0..<9001).map { UInt32(truncatingIfNeeded: $0 &* 2_654_435_761) }
        var words = plain
        MaskGenerator.apply(
            seeds.enumerated().map { .init(seed: $0.element, isSubtracted: $0.offset == 1) },
            to: &words)
        #expect(words != plain)
        var tail = Array(words[8192...])
        var head = Array(words[..<8192])
        let back = seeds.enumerated().reversed().map {
            MaskGenerator.Mask(seed: $0.element, isSubtracted: $0.offset != 1)
        }
        MaskGenerator.apply(back, to: &head)
        MaskGenerator.apply(back, to: &tail, firstChunk: 2)
        #expect(head + tail == plain)
    }

    @Test func `no words and no masks change nothing`() {
        var none: [UInt32] = []
        MaskGenerator.apply([.init(seed: .random(count: 32), isSubtracted: false)], to: &none)
        #expect(none.isEmpty)
        var one: [UInt32] = [7]
        MaskGenerator.apply([], to: &one)
        #expect(one == [7])
    }

    @Test func `a secret in guarded memory is sealed and opened without a copy`() throws {
        let cipher = try #require(XChaChaPoly(key: .random(count: 32)))
        let secret = SecretBytes.random(count: 64)
        let nonce = SystemRandom.bytes(24)
        let box = try cipher.seal(secret, nonce: nonce, associatedData: [1])
        #expect(box == (try cipher.seal(secret.copyBytes(), nonce: nonce, associatedData: [1])))
        #expect(
            try cipher.openSecret(box, nonce: nonce, associatedData: [1]).isEqual(to: secret))
        #expect(throws: CryptographyError.authenticationFailed) {
            try cipher.openSecret(box, nonce: nonce, associatedData: [2])
        }
        #expect(throws: CryptographyError.authenticationFailed) {
            try cipher.openSecret(
                [UInt8](repeating: 0, count: 16), nonce: nonce, associatedData: [])
        }
    }
}
