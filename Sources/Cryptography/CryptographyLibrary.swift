internal import CSodium

/// The library below the keys, hashes and ciphers.
public enum CryptographyLibrary {
    /// libsodium's release, such as `1.0.18`.
    public static var version: String { unsafe String(cString: sodium_version_string()) }
}
