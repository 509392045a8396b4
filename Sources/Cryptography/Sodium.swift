internal import CSodium

/// The one start of libsodium that every wrapper goes through.
enum Sodium {
    /// Runs `sodium_init` once per process.
    ///
    /// It fails only where the system has no random source, and then no key could be made: there is
    /// nothing to continue with.
    private static let status: Int32 = sodium_init()

    /// Makes sure the library is ready.
    ///
    /// Costs one load after the first call.
    @inline(__always)
    static func prepare() {
        precondition(status >= 0, "libsodium could not start: \(status)")
    }
}
