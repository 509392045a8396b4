public import Cryptography

/// Why a Merkle proof was refused.
public enum ProofError: Error, Hashable, Sendable {
    /// The index names no leaf of a tree of that size.
    case indexBeyondSize(index: UInt64, size: UInt64)
    /// The older tree is said to be larger than the newer one.
    case sizesOutOfOrder(older: UInt64, newer: UInt64)
    /// The number of hashes doesn't fit the sizes.
    case hashCount(Int)
    /// The hashes lead to another root than the one that was given.
    case rootMismatch(expected: Digest, computed: Digest)
    /// The hashes lead to another root of the older tree than the one that was given.
    case olderRootMismatch(expected: Digest, computed: Digest)
}
