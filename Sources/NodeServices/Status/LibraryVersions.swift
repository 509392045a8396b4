internal import Cryptography
internal import Storage

/// The releases of the C libraries that a node stands on, for reports.
public enum LibraryVersions {
    /// LMDB, which keeps the stores.
    public static var lmdb: String { StorageLibrary.version }
    /// libsodium, which makes keys, hashes and ciphers.
    public static var libsodium: String { CryptographyLibrary.version }
}
