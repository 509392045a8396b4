import Testing

@testable import LibP2P

@Suite struct LengthPrefixedDecoderTests {
    @Test(arguments: ReadSize.allCases)
    func `messages come out as they went in, however they are cut`(size: ReadSize) throws {
        let messages: [[UInt8]] = [[], [1], [UInt8](repeating: 7, count: 300), [2, 3]]
        let stream = messages.flatMap(LengthPrefixedDecoder.encode) + [5, 9]
        var decoder = LengthPrefixedDecoder(byteCountMax: 300)
        var received: [[UInt8]] = []
        for piece in size.cut(stream) {
            decoder.append(piece)
            while let message = try decoder.next() { received.append(message) }
        }
        #expect(received == messages)
        #expect(decoder.pendingByteCount == 2)
        #expect(decoder.takeRemainder() == [5, 9])
        #expect(decoder.pendingByteCount == 0)
    }

    @Test func `a length above the bound is refused before the bytes come`() {
        var decoder = LengthPrefixedDecoder(byteCountMax: 299)
        decoder.append([0xac, 0x02])
        #expect(
            throws: LibP2PError.tooLarge(.lengthPrefix, byteCount: 300, byteCountMax: 299)
        ) { _ = try decoder.next() }
    }

    @Test func `a huge or longer than needed length is refused`() {
        var huge = LengthPrefixedDecoder(byteCountMax: 10)
        huge.append([UInt8](repeating: 0xff, count: 8) + [0x7f])
        #expect(throws: LibP2PError.self) { _ = try huge.next() }
        var loose = LengthPrefixedDecoder(byteCountMax: 10)
        loose.append([0x81, 0x00, 1])
        #expect(throws: LibP2PError.notMinimal) { _ = try loose.next() }
    }
}
