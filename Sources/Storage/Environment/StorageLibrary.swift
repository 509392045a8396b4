internal import CLMDB

/// The library below the stores.
public enum StorageLibrary {
    /// LMDB's release, such as `0.9.24`.
    public static var version: String {
        var (major, minor, patch): (CInt, CInt, CInt) = (0, 0, 0)
        _ = unsafe mdb_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }
}
