import Cryptography
import LibP2P
import Testing

@Suite struct ObjectManifestTests {
    static let chunk = TransferProtocol.chunkByteCount

    /// The fields of a manifest by hand, so that the reader is checked against other bytes than
    /// the writer's.
    static func fields(
        version: UInt64 = 1, total: UInt64, chunkBytes: UInt64 = 262_144, ids: [UInt8]
    ) -> [UInt8] {
        [0x08] + uvarint(version) + [0x10] + uvarint(total) + [0x18] + uvarint(chunkBytes)
            + [0x22] + uvarint(UInt64(ids.count)) + ids
    }

    static func uvarint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
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

    @Test(arguments: [
        ([0x0f], ObjectManifestError.malformed),
        ([], .version(0)),
        (fields(version: 2, total: 1, ids: id), .version(2)),
        (fields(total: 0, ids: id), .emptyObject),
        (fields(total: 1, chunkBytes: 262_128, ids: id), .chunkByteCount(262_128)),
        (fields(total: 1, ids: id + id), .chunkIDByteCount(actual: 64, expected: 32)),
        (fields(total: 1, ids: Array(id.dropLast())), .chunkIDByteCount(actual: 31, expected: 32)),
        (fields(total: .max, ids: id), .objectTooLarge(byteCount: .max, max: 1 << 30)),
        (fields(total: 1, ids: id) + [0x28, 0x01], .notCanonical),
        (fields(total: 1, ids: id) + [0x08, 0x01], .notCanonical),
        ([0x08, 0x81, 0x00] + fields(total: 1, ids: id).dropFirst(2), .notCanonical),
    ])
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
