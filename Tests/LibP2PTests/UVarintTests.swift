import Testing

@testable import LibP2P

@Suite struct UVarintTests {
    @Test(
        arguments: [
            (0, [0]), (1, [1]), (127, [0x7f]), (128, [0x80, 1]), (255, [0xff, 1]),
            (300, [0xac, 2]), (16384, [0x80, 0x80, 1]),
            (UVarint.valueMax, [255, 255, 255, 255, 255, 255, 255, 255, 127]),
        ] as [(UInt64, [UInt8])])
    func `numbers have the published encodings`(value: UInt64, bytes: [UInt8]) throws {
        #expect(UVarint.encode(value) == bytes)
        let decoded = try #require(try UVarint.decode(bytes + [7]))
        #expect(decoded.value == value)
        #expect(decoded.byteCount == bytes.count)
        for count in 0..<bytes.count {
            #expect(try UVarint.decode(bytes.prefix(count)) == nil)
        }
    }

    @Test(arguments: [[0x80, 0], [0x81, 0], [0xff, 0x80, 0]] as [[UInt8]])
    func `a longer encoding than needed is refused`(bytes: [UInt8]) {
        #expect(throws: LibP2PError.notMinimal) { _ = try UVarint.decode(bytes) }
    }

    @Test func `a tenth byte is refused before it comes`() {
        #expect(throws: LibP2PError.malformed(.varint)) {
            _ = try UVarint.decode([UInt8](repeating: 0x80, count: 9))
        }
    }
}
