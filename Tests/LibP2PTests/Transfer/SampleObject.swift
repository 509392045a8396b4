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
