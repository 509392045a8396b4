public import Cryptography

/// One message of a transfer stream, without its length prefix.
///
/// Source: docs/protocol/transfer.md, section on frames.
public enum TransferFrame: Hashable, Sendable {
    /// Asks for the manifest, chunks or both; for neither, whether and what the provider holds.
    case request(ObjectRequest)
    /// The manifest, in its own bytes.
    case manifest([UInt8])
    /// What the provider holds, if not everything.
    case have(ChunkPresence)
    /// One chunk that was asked for.
    case chunk(index: Int, bytes: [UInt8])
    /// The request of that id is dropped; ask again after the wait.
    case busy(retryMilliseconds: Int, requestID: UInt32)
    /// The provider does not serve this object.
    case gone
    /// Chunks that were asked for and are not held.
    case miss([Int])
}

/// What a fetcher asks for at once.
public struct ObjectRequest: Hashable, Sendable {
    /// The object, the same in every request of a stream.
    public let objectID: Digest

    /// Whether the manifest is wanted.
    public let wantsManifest: Bool

    /// The chunks that are wanted, in the order in which they are wanted.
    public let ranges: [Range<Int>]

    /// The fetcher's number for this request, which BUSY repeats.
    public let id: UInt32

    /// Makes a request.
    public init(objectID: Digest, wantsManifest: Bool, ranges: [Range<Int>], id: UInt32) {
        self.objectID = objectID
        self.wantsManifest = wantsManifest
        self.ranges = ranges
        self.id = id
    }
}

/// Why bytes are not a frame.
public enum TransferFrameError: Error, Hashable, Sendable {
    /// The frame is longer than ``TransferProtocol/frameByteCountMax``.
    case tooLong(byteCount: Int)
    /// The bytes are not a frame message.
    case malformed
    /// The frame is of no known kind.
    case unknownKind
    /// The object identifier does not have 32 bytes.
    case objectIDByteCount(Int)
    /// A chunk index or range lies past the greatest object.
    case chunkIndex(UInt64)
    /// A range of no chunks.
    case emptyRange
    /// More ranges or indices than an object has chunks.
    case tooManyIndices(Int)
    /// The bitmap does not match its count.
    case bitmap(byteCount: Int, chunkCount: UInt32)
    /// The chunk is empty or longer than 256 KiB.
    case chunkByteCount(Int)
}
