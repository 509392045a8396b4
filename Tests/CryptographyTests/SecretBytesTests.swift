import Testing

@testable import Cryptography

@Suite struct SecretBytesTests {
    @Test func `secrets compare by content and never print it`() {
        let secret = SecretBytes(copying: [0xde, 0xad, 0xbe, 0xef])
        #expect(secret.isEqual(to: SecretBytes(copying: [0xde, 0xad, 0xbe, 0xef])))
        #expect(!secret.isEqual(to: SecretBytes(copying: [0xde, 0xad, 0xbe, 0xee])))
        #expect(!secret.isEqual(to: SecretBytes(copying: [0xde])))
        #expect(!String(describing: secret).lowercased().contains("dead"))
        #expect(!String(reflecting: secret).lowercased().contains("222"))
    }

    @Test func `random bytes are fresh each time`() {
        #expect(SystemRandom.bytes(32) != SystemRandom.bytes(32))
        #expect(SystemRandom.bytes(0).isEmpty)
        #expect(SystemRandom.uint64() != SystemRandom.uint64())
        #expect(
            !SecretBytes.random(count: 32).isEqual(to: SecretBytes.random(count: 32))
        )
        var generator = SodiumRandomNumberGenerator()
        #expect((0..<100).allSatisfy { _ in Int.random(in: 0..<10, using: &generator) < 10 })
    }

    @Test func `arrays compare in constant time`() {
        #expect(ConstantTime.areEqual([1, 2], [1, 2]))
        #expect(!ConstantTime.areEqual([1, 2], [1, 3]))
        #expect(!ConstantTime.areEqual([1, 2], [1, 2, 3]))
        #expect(ConstantTime.areEqual([], []))
    }
}
