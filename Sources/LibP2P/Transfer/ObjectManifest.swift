public import Cryptography
internal import FoundationEssentials
internal import SwiftProtobuf

/// Which chunks make an object; its hash is the name of the object.
///
/// A manifest is public. Chunks are named by their content, so that any node can check and serve
/// them, whoever made the object.
///
/// Source: docs/protocol/transfer.md, section on manifests.
public struct ObjectManifest: Hashable, Sendable {
    /// The only version there is.
    public static let version: UInt32 = 1

    /// The longest manifest there can be: the chunk ids and 64 bytes for the other fields.
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
        var ids: [Digest] = []
        ids.reserveCapacity(count)
        for index in 0..<count {
            let range = Self.range(ofChunk: index, totalByteCount: contents.count)
            ids.append(Hashing.blake2b256(Array(contents[range])))
        }
        try self.init(totalByteCount: contents.count, chunkIDs: ids)
    }

    /// Makes a manifest of chunks whose hashes are known.
    ///
    /// - Throws: ``ObjectManifestError`` if the count of ids is not the one that the total asks for.
    public init(totalByteCount: Int, chunkIDs: [Digest]) throws(ObjectManifestError) {
        try Self.check(
            totalByteCount: UInt64(clamping: totalByteCount),
            byteCountMax: Self.objectByteCountMax,
            idByteCount: chunkIDs.count * Digest.byteCount)
        var message = Starling_Transfer_Manifest()
        message.version = Self.version
        message.totalBytes = UInt64(totalByteCount)
        message.chunkBytes = UInt32(TransferProtocol.chunkByteCount)
        message.chunkIds = Data(chunkIDs.flatMap(\.bytes))
        guard let bytes: [UInt8] = try? message.serializedBytes() else {
            preconditionFailure("a manifest of \(chunkIDs.count) chunks does not serialise")
        }
        self.totalByteCount = totalByteCount
        self.chunkIDs = chunkIDs
        self.bytes = bytes
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
        guard let message = try? Starling_Transfer_Manifest(serializedBytes: bytes) else {
            throw .malformed
        }
        guard message.version == Self.version else { throw .version(message.version) }
        guard message.chunkBytes == UInt32(TransferProtocol.chunkByteCount) else {
            throw .chunkByteCount(message.chunkBytes)
        }
        try Self.check(
            totalByteCount: message.totalBytes,
            byteCountMax: min(byteCountMax, Self.objectByteCountMax),
            idByteCount: message.chunkIds.count)
        guard message.unknownFields.data.isEmpty,
            let canonical: [UInt8] = try? message.serializedBytes(),
            canonical == bytes
        else { throw .notCanonical }
        let ids = [UInt8](message.chunkIds)
        totalByteCount = Int(message.totalBytes)
        chunkIDs = stride(from: 0, to: ids.count, by: Digest.byteCount).compactMap {
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

    /// Whether these bytes are the chunk of that index.
    ///
    /// - Complexity: O(n); it hashes the bytes if there are as many as there should be.
    public func isChunk(_ bytes: [UInt8], at index: Int) -> Bool {
        guard let range = byteRange(ofChunk: index), range.count == bytes.count else {
            return false
        }
        return Hashing.blake2b256(bytes) == chunkIDs[index]
    }

    /// The greatest object that the format allows, 1 GiB.
    static let objectByteCountMax =
        TransferProtocol.chunkCountMax * TransferProtocol.chunkByteCount

    private static func range(ofChunk index: Int, totalByteCount: Int) -> Range<Int> {
        let start = index * TransferProtocol.chunkByteCount
        return start..<min(start + TransferProtocol.chunkByteCount, totalByteCount)
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
