public import Cryptography
public import LibP2P

/// Where objects are kept, whole or in part; the seam that storage fills.
///
/// What has been put is there after a crash. Nobody checks hashes behind this seam: what is put
/// has been checked, and what is taken out is checked by its user.
public protocol ObjectStore: Sendable {
    /// The bytes of a manifest; nil if there is none.
    func manifest(_ id: Digest) async throws(ObjectStoreError) -> [UInt8]?

    /// The chunks of an object that are held; nil if there is no manifest of it.
    func presence(_ id: Digest) async throws(ObjectStoreError) -> ChunkPresence?

    /// One chunk; nil if it is not held.
    func chunk(_ id: Digest, index: Int) async throws(ObjectStoreError) -> [UInt8]?

    /// Keeps a manifest; nothing changes if it is kept already.
    func putManifest(_ manifest: ObjectManifest) async throws(ObjectStoreError)

    /// Keeps a chunk of an object whose manifest is kept.
    func putChunk(
        _ id: Digest, index: Int, bytes: [UInt8]
    ) async throws(ObjectStoreError)
}

/// Why the store could not do what it was asked.
public struct ObjectStoreError: Error {
    /// What was asked of it.
    public enum Operation: String, Sendable {
        /// Reading a manifest.
        case readManifest
        /// Reading which chunks are held.
        case readPresence
        /// Reading a chunk.
        case readChunk
        /// Keeping a manifest.
        case putManifest
        /// Keeping a chunk.
        case putChunk
    }

    /// What was asked of the store.
    public let operation: Operation
    /// The object.
    public let objectID: Digest
    /// The store's own error.
    public let cause: any Error

    /// Wraps an error of the store.
    public init(operation: Operation, objectID: Digest, cause: any Error) {
        self.operation = operation
        self.objectID = objectID
        self.cause = cause
    }
}
