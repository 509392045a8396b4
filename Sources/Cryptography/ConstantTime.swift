internal import CSodium

/// Comparisons whose time tells nothing about the contents.
public enum ConstantTime {
    /// Whether both arrays are equal; the time depends on the lengths only.
    public static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe sodium_memcmp(left, right, left.count) == 0
    }
}
