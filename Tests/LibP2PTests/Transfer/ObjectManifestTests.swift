import Cryptography
import LibP2P
import Testing

@Suite struct ObjectManifestTests {
    static let chunk = TransferProtocol.chunkByteCount

    /// The fields of a manifest by hand, so that the reader is checked against other bytes than
    /// the writer's.
    static func fields(
        domain: String = "starling/object/1\0", total: UInt64, chunkBytes: UInt32 = 262_144,
        ids: [UInt8]
    ) -> [UInt8] {
        let head = (0..<8).map { UInt8(truncatingIfNeeded: total >> (56 - 8 * UInt64($0))) }
        let size = (0..<4).map { UInt8(truncatingIfNeeded: chunkBytes >> (24 - 8 * UInt32($0))) }
        return Array(domain.utf8) + head + size + ids
    }

    @Test func `the bytes are the fields in order and the name is their hash`() throws {
        let object = try SampleObject(byteCount: 300_000)
        let ids =
            Hashing.blake2b256(Array(object.contents[..<Self.chunk])).bytes
            + Hashing.blake2b256(Array(object.contents[Self.chunk...])).bytes
        #expect(object.manifest.bytes == Self.fields(total: 300_000, ids: ids))
        #expect(object.manifest.objectID == Hashing.blake2b256(object.manifest.bytes))
        #expect(object.manifest.byteRange(ofChunk: 1) == Self.chunk..<300_000)
        #expect(object.manifest.byteRange(ofChunk: 2) == nil)
        #expect(object.manifest.byteRange(ofChunk: -1) == nil)
    }

    @Test(arguments: [1, chunk - 1, chunk, chunk + 1, 3 * chunk])
    func `what was written reads back`(byteCount: Int) throws {
        let manifest = try SampleObject(byteCount: byteCount).manifest
        #expect(try ObjectManifest(bytes: manifest.bytes, byteCountMax: byteCount) == manifest)
        #expect(manifest.chunkCount == (byteCount + Self.chunk - 1) / Self.chunk)
    }

    @Test func `the greatest manifest fits its bound and one chunk more is refused`() throws {
        let id = Hashing.blake2b256([])
        let total = TransferProtocol.chunkCountMax * Self.chunk
        let ids = Array(repeating: id, count: TransferProtocol.chunkCountMax)
        let manifest = try ObjectManifest(totalByteCount: total, chunkIDs: ids)
        #expect(manifest.bytes.count <= ObjectManifest.byteCountMax)
        #expect(try ObjectManifest(bytes: manifest.bytes, byteCountMax: .max) == manifest)
        #expect(
            throws: ObjectManifestError.objectTooLarge(byteCount: UInt64(total) + 1, max: total)
        ) {
            try ObjectManifest(totalByteCount: total + 1, chunkIDs: ids + [id])
        }
    }

    @Test func `an object above the caller's limit is refused`() throws {
        let manifest = try SampleObject(byteCount: 1000).manifest
        #expect(throws: ObjectManifestError.objectTooLarge(byteCount: 1000, max: 999)) {
            try ObjectManifest(bytes: manifest.bytes, byteCountMax: 999)
        }
        #expect(throws: ObjectManifestError.objectTooLarge(byteCount: 1000, max: -1)) {
            try ObjectManifest(bytes: manifest.bytes, byteCountMax: -1)
        }
    }

    private static let refused: [([UInt8], ObjectManifestError)] = [
        ([0x0f], .malformed),
        ([], .malformed),
        (fields(domain: "starling/object/2\0", total: 1, ids: id), .malformed),
        (Array(fields(total: 1, ids: []).dropLast()), .malformed),
        (fields(total: 0, ids: id), .emptyObject),
        (fields(total: 1, chunkBytes: 262_128, ids: id), .chunkByteCount(262_128)),
        (fields(total: 1, ids: id + id), .chunkIDByteCount(actual: 64, expected: 32)),
        (fields(total: 1, ids: Array(id.dropLast())), .chunkIDByteCount(actual: 31, expected: 32)),
        (fields(total: .max, ids: id), .objectTooLarge(byteCount: .max, max: 1 << 30)),
    ]

    @Test(arguments: refused)
    func `what is no canonical manifest is refused by name`(
        bytes: [UInt8], error: ObjectManifestError
    ) {
        #expect(throws: error) { try ObjectManifest(bytes: bytes, byteCountMax: .max) }
    }

    static let id = Array(repeating: UInt8(7), count: 32)

    @Test func `a manifest above its bound is not looked at`() {
        #expect(throws: ObjectManifestError.manifestTooLong(byteCount: 131_137)) {
            try ObjectManifest(bytes: Array(repeating: 0, count: 131_137), byteCountMax: .max)
        }
    }

    @Test func `an object without bytes has no manifest`() {
        #expect(throws: ObjectManifestError.emptyObject) { try ObjectManifest(cutting: []) }
    }

    @Test func `only the right bytes are a chunk`() throws {
        let object = try SampleObject(byteCount: Self.chunk + 5)
        let last = try object.chunk(1)
        #expect(object.manifest.isChunk(last, at: 1))
        #expect(!object.manifest.isChunk(last, at: 0))
        #expect(!object.manifest.isChunk(last, at: 2))
        #expect(!object.manifest.isChunk(last + [0], at: 1))
        var changed = last
        changed[0] ^= 1
        #expect(!object.manifest.isChunk(changed, at: 1))
    }
}
