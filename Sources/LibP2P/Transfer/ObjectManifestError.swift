/// Why bytes are not the manifest of an object, or an object cannot have one.
public enum ObjectManifestError: Error, Hashable, Sendable {
    /// The manifest is longer than that of the greatest object.
    case manifestTooLong(byteCount: Int)
    /// The bytes do not begin as a manifest does.
    case malformed
    /// The chunks are not 256 KiB.
    case chunkByteCount(UInt32)
    /// The object has no bytes.
    case emptyObject
    /// The object has more bytes than the format or the caller allows.
    case objectTooLarge(byteCount: UInt64, max: Int)
    /// The chunk ids are more or fewer than the object has chunks.
    case chunkIDByteCount(actual: Int, expected: Int)
}
