import LibP2P
import Testing

@Suite struct ChunkPresenceTests {
    @Test(arguments: [0, 1, 7, 8, 9, 63, 64, 65, 128, 4096])
    func `a bitmap reads back, whatever the count`(count: Int) throws {
        var presence = ChunkPresence(count: count)
        for index in stride(from: 0, to: count, by: 3) { presence.insert(index) }
        let bitmap = presence.bitmap
        #expect(bitmap.count == (count + 7) / 8)
        let read = try #require(ChunkPresence(bitmap: bitmap, count: count))
        #expect(read == presence)
        #expect(read.presentCount == (count + 2) / 3)
        #expect(read.missing == (0..<count).filter { $0 % 3 != 0 })
        let full = ChunkPresence(count: count, isComplete: true)
        #expect(full.isComplete && full.missing.isEmpty)
        #expect(ChunkPresence(bitmap: full.bitmap, count: count) == full)
    }

    @Test func `the least significant bit comes first`() {
        var presence = ChunkPresence(count: 10)
        presence.insert(0)
        presence.insert(9)
        presence.insert(9)
        #expect(presence.bitmap == [0x01, 0x02])
        #expect(presence.presentCount == 2)
        presence.remove(0)
        presence.remove(0)
        #expect(presence.bitmap == [0x00, 0x02])
        #expect(presence.contains(9) && !presence.contains(10) && !presence.contains(-1))
    }

    @Test func `a bitmap of another length, or with bits past the end, is none`() {
        #expect(ChunkPresence(bitmap: [0xff], count: 9) == nil)
        #expect(ChunkPresence(bitmap: [0xff, 0x00, 0x00], count: 9) == nil)
        #expect(ChunkPresence(bitmap: [0xff, 0x02], count: 9) == nil)
        #expect(ChunkPresence(bitmap: [0xff, 0x01], count: 9)?.isComplete == true)
        #expect(ChunkPresence(bitmap: Array(repeating: 0, count: 513), count: 4097) == nil)
    }
}
