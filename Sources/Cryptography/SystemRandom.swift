internal import CSodium

/// Random bytes from the operating system.
public enum SystemRandom {
    /// As many fresh random bytes as asked for.
    public static func bytes(_ count: Int) -> [UInt8] {
        Sodium.prepare()
        var output = [UInt8](repeating: 0, count: count)
        unsafe randombytes_buf(&output, count)
        return output
    }

    /// A fresh random number.
    public static func uint64() -> UInt64 {
        Sodium.prepare()
        var output: UInt64 = 0
        unsafe randombytes_buf(&output, MemoryLayout<UInt64>.size)
        return output
    }
}

/// The system's randomness as a Swift generator.
public struct SodiumRandomNumberGenerator: RandomNumberGenerator, Sendable {
    /// Makes a generator; it has no state.
    public init() {}

    /// A fresh random number.
    public mutating func next() -> UInt64 { SystemRandom.uint64() }
}
