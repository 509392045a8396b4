public import Cryptography
internal import SwiftProtobuf

/// Which chunks make an object; its hash is the name of the object.
///
/// A manifest is public. Chunks are named by their content, so that any node can check and serve
/// them, whoever made the object.
///
/// Source: docs/protocol/transfer.md, section on manifests.
public struct ObjectManifest: Hashable, Sendable {
    /// The longest manifest there can be: the chunk ids and 64 bytes for the head.
    public static let byteCountMax = TransferProtocol.chunkCountMax * Digest.byteCount + 64

    /// The bytes of the whole object, at least 1.
    public let totalByteCount: Int

    /// The BLAKE2b-256 of each chunk, in order.
    public let chunkIDs: [Digest]

    /// The canonical serialised form, which is what travels.
    public let bytes: [UInt8]

    /// BLAKE2b-256 of ``bytes``: the name of the object.
    public let objectID: Digest

    /// Makes the manifest of the object whose bytes these are.
    ///
    /// - Throws: ``ObjectManifestError/emptyObject`` or ``ObjectManifestError/objectTooLarge``.
    /// - Complexity: O(n); it hashes every byte.
    public init(cutting contents: [UInt8]) throws(ObjectManifestError) {
        let count = TransferProtocol.chunkCount(byteCount: contents.count)
        guard count <= TransferProtocol.chunkCountMax else {
            throw .objectTooLarge(byteCount: UInt64(contents.count), max: Self.objectByteCountMax)
        }
        try self.init(
            totalByteCount: contents.count, chunkIDs: ContentAddress.chunkIDs(of: contents))
    }

    /// Makes a manifest of chunks whose hashes are known.
    ///
    /// - Throws: ``ObjectManifestError`` if the count of ids is not the one that the total asks for.
    public init(totalByteCount: Int, chunkIDs: [Digest]) throws(ObjectManifestError) {
        try Self.check(
            totalByteCount: UInt64(clamping: totalByteCount),
            byteCountMax: Self.objectByteCountMax,
            idByteCount: chunkIDs.count * Digest.byteCount)
        bytes = ContentAddress.manifest(byteCount: totalByteCount, chunkIDs: chunkIDs)
        self.totalByteCount = totalByteCount
        self.chunkIDs = chunkIDs
        objectID = Hashing.blake2b256(bytes)
    }

    /// Reads a manifest that a peer or the store gave, and refuses what is not canonical.
    ///
    /// - Parameters:
    ///   - bytes: The manifest as received; never more than ``byteCountMax`` are looked at.
    ///   - byteCountMax: The greatest object that the caller has a use for.
    /// - Throws: ``ObjectManifestError``, before anything in proportion to the object is allocated.
    public init(bytes: [UInt8], byteCountMax: Int) throws(ObjectManifestError) {
        guard bytes.count <= Self.byteCountMax else {
            throw .manifestTooLong(byteCount: bytes.count)
        }
        let headByteCount = ContentAddress.domain.count + 12
        guard bytes.starts(with: ContentAddress.domain), bytes.count >= headByteCount else {
            throw .malformed
        }
        let total = Self.number(bytes[ContentAddress.domain.count..<headByteCount - 4])
        let chunkByteCount = Self.number(bytes[headByteCount - 4..<headByteCount])
        guard chunkByteCount == ContentAddress.chunkByteCount else {
            throw .chunkByteCount(UInt32(truncatingIfNeeded: chunkByteCount))
        }
        let ids = bytes[headByteCount...]
        try Self.check(
            totalByteCount: total,
            byteCountMax: min(byteCountMax, Self.objectByteCountMax),
            idByteCount: ids.count)
        totalByteCount = Int(total)
        chunkIDs = stride(from: headByteCount, to: bytes.count, by: Digest.byteCount).compactMap {
            Digest(bytes: ids[$0..<$0 + Digest.byteCount])
        }
        self.bytes = bytes
        objectID = Hashing.blake2b256(bytes)
    }

    /// The number of chunks, at least 1.
    public var chunkCount: Int { chunkIDs.count }

    /// Where a chunk lies in the object; nil if there is no such chunk.
    public func byteRange(ofChunk index: Int) -> Range<Int>? {
        guard chunkIDs.indices.contains(index) else { return nil }
        return Self.range(ofChunk: index, totalByteCount: totalByteCount)
    }

    /// Whether this is the chunk of its index.
    public func isChunk(_ chunk: HashedChunk) -> Bool {
        guard let range = byteRange(ofChunk: chunk.index) else { return false }
        return range.count == chunk.bytes.count && chunk.digest == chunkIDs[chunk.index]
    }

    /// Whether these bytes are the chunk of that index.
    ///
    /// - Complexity: O(n); it hashes the bytes.
    public func isChunk(_ bytes: [UInt8], at index: Int) -> Bool {
        isChunk(HashedChunk(index: index, bytes: bytes))
    }

    /// The greatest object that the format allows, 1 GiB.
    static let objectByteCountMax =
        TransferProtocol.chunkCountMax * TransferProtocol.chunkByteCount

    private static func range(ofChunk index: Int, totalByteCount: Int) -> Range<Int> {
        let start = index * TransferProtocol.chunkByteCount
        return start..<min(start + TransferProtocol.chunkByteCount, totalByteCount)
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func check(
        totalByteCount: UInt64, byteCountMax: Int, idByteCount: Int
    ) throws(ObjectManifestError) {
        guard totalByteCount > 0 else { throw .emptyObject }
        guard totalByteCount <= UInt64(clamping: byteCountMax) else {
            throw .objectTooLarge(byteCount: totalByteCount, max: byteCountMax)
        }
        let expected =
            TransferProtocol.chunkCount(byteCount: Int(totalByteCount)) * Digest.byteCount
        guard idByteCount == expected else {
            throw .chunkIDByteCount(actual: idByteCount, expected: expected)
        }
    }
}
