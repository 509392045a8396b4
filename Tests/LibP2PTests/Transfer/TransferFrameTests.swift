import Cryptography
import LibP2P
import Testing

@Suite struct TransferFrameTests {
    static let id = Hashing.blake2b256([1, 2, 3])

    static let frames: [TransferFrame] = [
        .request(ObjectRequest(objectID: id, wantsManifest: true, ranges: [], id: 1)),
        .request(
            ObjectRequest(objectID: id, wantsManifest: false, ranges: [0..<4, 4095..<4096], id: 9)),
        .manifest([1, 2, 3]),
        .have(ChunkPresence(count: 77, isComplete: true)),
        .chunk(index: 4095, bytes: Array(repeating: 5, count: TransferProtocol.chunkByteCount)),
        .busy(retryMilliseconds: 1500, requestID: 7),
        .gone,
        .miss([0, 5, 4095]),
    ]

    @Test(arguments: frames.indices)
    func `a frame reads back and fits its bound`(index: Int) throws {
        let frame = Self.frames[index]
        let bytes = frame.bytes
        let isBounded = bytes.count <= TransferProtocol.frameByteCountMax
        let isSame = try TransferFrame(bytes: bytes) == frame
        #expect(isBounded && isSame)
    }

    @Test func `the field numbers are those of the specification`() {
        #expect(
            TransferFrame.busy(retryMilliseconds: 3, requestID: 4).bytes
                == [0x2a, 4, 0x08, 3, 0x10, 4])
        #expect(TransferFrame.gone.bytes == [0x32, 0])
        #expect(TransferFrame.miss([1, 2]).bytes == [0x3a, 4, 0x0a, 2, 1, 2])
        #expect(
            TransferFrame.chunk(index: 1, bytes: [9]).bytes
                == [0x22, 5, 0x08, 1, 0x12, 1, 9])
    }

    @Test(arguments: [
        ([], TransferFrameError.unknownKind),
        ([0xff], .malformed),
        ([0x42, 0x00], .unknownKind),
        ([0x0a, 0x00], .objectIDByteCount(0)),
        ([0x0a, 0x03, 0x0a, 0x01, 0x00], .objectIDByteCount(1)),
        ([0x0a, 36, 0x0a, 32] + id.bytes + [0x1a, 0x00], .emptyRange),
        (
            [0x0a, 41, 0x0a, 32] + id.bytes + [0x1a, 5, 0x08, 0xff, 0x1f, 0x10, 2],
            .chunkIndex(4096)
        ),
        (
            [0x0a, 46, 0x0a, 32] + id.bytes
                + [0x1a, 10, 0x08, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x10, 0xff, 0xff, 0x03],
            .chunkIndex(4_295_032_829)
        ),
        ([0x22, 0x02, 0x08, 0x01], .chunkByteCount(0)),
        ([0x22, 6, 0x08, 0x80, 0x20, 0x12, 1, 9], .chunkIndex(4096)),
        ([0x1a, 5, 0x0a, 1, 0xff, 0x10, 7], .bitmap(byteCount: 1, chunkCount: 7)),
        (
            [0x1a, 6, 0x10, 0xff, 0xff, 0xff, 0xff, 0x0f],
            .bitmap(byteCount: 0, chunkCount: .max)
        ),
        ([0x3a, 4, 0x0a, 2, 0x80, 0x20], .chunkIndex(4096)),
    ])
    func `what is no frame is refused by name`(bytes: [UInt8], error: TransferFrameError) {
        #expect(throws: error) { try TransferFrame(bytes: bytes) }
    }

    @Test func `a frame above its bound is refused`() {
        #expect(throws: TransferFrameError.tooLong(byteCount: 270_337)) {
            try TransferFrame(bytes: Array(repeating: 0, count: 270_337))
        }
    }

    @Test func `a chunk of one byte too many is refused`() {
        let bytes = Array(repeating: UInt8(1), count: TransferProtocol.chunkByteCount + 1)
        #expect(throws: TransferFrameError.chunkByteCount(bytes.count)) {
            try TransferFrame(bytes: TransferFrame.chunk(index: 0, bytes: bytes).bytes)
        }
    }

    @Test func `cut and bent frames never read as something that does not read back`() throws {
        for frame in Self.frames where frame.bytes.count < 1000 {
            let bytes = frame.bytes
            for index in bytes.indices {
                for mask: UInt8 in [0x01, 0x80, 0xff] {
                    var bent = bytes
                    bent[index] ^= mask
                    guard let read = try? TransferFrame(bytes: bent) else { continue }
                    #expect(try TransferFrame(bytes: read.bytes) == read)
                }
                guard let read = try? TransferFrame(bytes: Array(bytes[..<index])) else { continue }
                #expect(try TransferFrame(bytes: read.bytes) == read)
            }
        }
    }
}
