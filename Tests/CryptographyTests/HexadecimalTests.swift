import Testing

@testable import Cryptography

/// The bytes of a literal of a test; a mistake in it stops the test.
func hex(_ text: String) -> [UInt8] {
    guard let bytes = Hexadecimal.decode(text) else {
        preconditionFailure("not hexadecimal: \(text)")
    }
    return bytes
}

@Suite struct HexadecimalTests {
    @Test func `bytes survive the way to text and back`() {
        let bytes = (0...255).map(UInt8.init)
        #expect(Hexadecimal.decode(Hexadecimal.encode(bytes)) == bytes)
        #expect(Hexadecimal.encode([0x0f, 0xa0]) == "0fa0")
        #expect(Hexadecimal.decode("") == [])
    }

    @Test(arguments: ["0", "0g", "0x00", " 00", "é"])
    func `other text is refused`(text: String) {
        #expect(Hexadecimal.decode(text) == nil)
    }
}
