public import Cryptography

/// An append-only Merkle tree that keeps only its frontier: the roots of the full subtrees, at
/// most one per bit of the size.
///
/// Source: RFC 6962 section 2.1, RFC 9162 section 2.1. A leaf hash is `SHA-256(0x00 || leaf)`, a
/// node is `SHA-256(0x01 || left || right)`, the root of no leaves is `SHA-256("")`.
public struct MerkleTree: Hashable, Sendable {
    /// The number of leaves.
    public private(set) var size: UInt64 = 0
    /// The roots of the full subtrees, widest first; one for each bit that is set in `size`.
    public private(set) var frontier: [Digest] = []

    /// Makes a tree without leaves.
    public init() {}

    /// Appends a leaf by its bytes.
    ///
    /// - Complexity: O(log n) hashes at worst, two on average.
    public mutating func append(_ leaf: [UInt8]) {
        append(leafHash: Self.leafHash(leaf))
    }

    /// Appends a leaf by its hash.
    ///
    /// - Complexity: O(log n) hashes at worst, one on average.
    public mutating func append(leafHash: Digest) {
        var hash = leafHash
        var rest = size
        while rest & 1 == 1 {
            hash = Self.nodeHash(frontier.removeLast(), hash)
            rest >>= 1
        }
        frontier.append(hash)
        size += 1
    }

    /// The root over all leaves.
    ///
    /// - Complexity: O(log n) hashes.
    public var root: Digest {
        guard var hash = frontier.last else { return Hashing.sha256([]) }
        for peak in frontier.dropLast().reversed() {
            hash = Self.nodeHash(peak, hash)
        }
        return hash
    }

    /// The bytes of ``root``.
    public var rootBytes: [UInt8] { root.bytes }

    /// The hash of a leaf with these bytes.
    public static func leafHash(_ leaf: [UInt8]) -> Digest {
        Hashing.sha256(prefix: 0, leaf)
    }

    /// The hash of a node above two others.
    public static func nodeHash(_ left: Digest, _ right: Digest) -> Digest {
        Hashing.sha256(prefix: 1, left, right)
    }

    /// The root over these leaf hashes.
    ///
    /// - Complexity: O(n) hashes.
    public static func root(of leafHashes: some Sequence<Digest>) -> Digest {
        var tree = MerkleTree()
        for hash in leafHashes {
            tree.append(leafHash: hash)
        }
        return tree.root
    }
}

extension MerkleTree {
    /// The state as it is stored: the size as a big-endian `UInt64`, then the frontier.
    public var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(size)
        for hash in frontier {
            writer.append(hash.bytes)
        }
        return writer.bytes
    }

    /// Reads what ``encoded`` wrote; nil if the count of hashes doesn't fit the size.
    public init?(encoded: [UInt8]) {
        var reader = ByteReader(encoded)
        guard let size = reader.readUInt64(),
            reader.remainingCount == size.nonzeroBitCount * Digest.byteCount
        else { return nil }
        self.size = size
        while let bytes = reader.read(Digest.byteCount) {
            guard let hash = Digest(bytes: bytes) else { return nil }
            frontier.append(hash)
        }
    }
}
