import Cryptography
import LibP2P
import Testing

/// An object with contents that repeat nowhere, for the tests of the transfer.
struct SampleObject {
    let contents: [UInt8]
    let manifest: ObjectManifest

    init(byteCount: Int, seed: UInt64 = 1) throws {
        contents = Self.bytes(count: byteCount, seed: seed)
        manifest = try ObjectManifest(cutting: contents)
    }

    /// Full chunks and a short last one, told apart by their first byte alone, which is quick to make.
    init(stampedChunkCount count: Int) throws {
        let size = TransferProtocol.chunkByteCount
        var contents = [UInt8](repeating: 0xA5, count: (count - 1) * size + 1_000)
        for index in 0..<count { contents[index * size] = UInt8(truncatingIfNeeded: index) }
        self.contents = contents
        manifest = try ObjectManifest(cutting: contents)
    }

    func chunk(_ index: Int) throws -> [UInt8] {
        Array(contents[try #require(manifest.byteRange(ofChunk: index))])
    }

    static func bytes(count: Int, seed: UInt64) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }
}
