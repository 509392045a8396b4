public import Cryptography

/// A chunk as a provider sent it, with the hash of its bytes.
///
/// Hashing is the slow part of taking a chunk in; whoever holds the stream does it where it blocks
/// nobody, and the hash cannot be claimed without being computed.
public struct HashedChunk: Hashable, Sendable {
    /// The index that the provider named.
    public let index: Int
    /// The bytes that it sent.
    public let bytes: [UInt8]
    /// The BLAKE2b-256 of the bytes.
    public let digest: Digest

    /// Hashes the bytes.
    ///
    /// - Complexity: O(n).
    public init(index: Int, bytes: [UInt8]) {
        self.index = index
        self.bytes = bytes
        digest = Hashing.blake2b256(bytes)
    }
}
