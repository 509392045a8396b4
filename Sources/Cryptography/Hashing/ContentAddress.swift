/// The content address of bytes that are moved and checked in chunks.
///
/// The id of an object is BLAKE2b-256 over its *object manifest*: `"starling/object/1\0"`, the byte
/// count (8 bytes, big-endian), the chunk size (4 bytes, big-endian), and the BLAKE2b-256 of each
/// chunk in order. So every chunk can be checked as it arrives, from whomever it comes, and equal
/// bytes have equal ids.
///
/// Source: docs/protocol/transfer.md, section on manifests.
public enum ContentAddress {
    /// The bytes of every chunk but the last, which may be shorter.
    public static let chunkByteCount = 262_144
    /// What an object manifest begins with.
    public static let domain = Array("starling/object/1\0".utf8)

    /// The number of chunks that so many bytes are cut into.
    public static func chunkCount(byteCount: Int) -> Int {
        (byteCount + chunkByteCount - 1) / chunkByteCount
    }

    /// The object manifest of bytes whose chunks have these hashes.
    public static func manifest(byteCount: Int, chunkIDs: [Digest]) -> [UInt8] {
        precondition(
            chunkIDs.count == chunkCount(byteCount: byteCount),
            "\(chunkIDs.count) chunks for \(byteCount) bytes"
        )
        var bytes = domain
        bytes.reserveCapacity(domain.count + 12 + chunkIDs.count * Digest.byteCount)
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: byteCount >> shift))
        }
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: chunkByteCount >> shift))
        }
        for id in chunkIDs { bytes.append(contentsOf: id.bytes) }
        return bytes
    }

    /// The hashes of the chunks of some bytes.
    ///
    /// - Complexity: O(n); every byte is hashed once.
    public static func chunkIDs(of bytes: [UInt8]) -> [Digest] {
        unsafe bytes.withUnsafeBytes { buffer in
            stride(from: 0, to: buffer.count, by: chunkByteCount).map { start in
                let end = min(start + chunkByteCount, buffer.count)
                return unsafe Hashing.blake2b256(
                    UnsafeRawBufferPointer(rebasing: buffer[start..<end])
                )
            }
        }
    }

    /// The content address of some bytes.
    ///
    /// - Complexity: O(n); every byte is hashed once.
    public static func id(of bytes: [UInt8]) -> Digest {
        Hashing.blake2b256(manifest(byteCount: bytes.count, chunkIDs: chunkIDs(of: bytes)))
    }
}
