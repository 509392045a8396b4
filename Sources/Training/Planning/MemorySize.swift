/// An amount of memory as people write it: `250MB`, `1.5GB`, `300MiB`, or plain bytes.
///
/// MB is 10^6 bytes, MiB 2^20.
public struct MemorySize: Hashable, Sendable, Comparable, LosslessStringConvertible {
    /// The bytes; at least 1.
    public let byteCount: Int

    /// Takes bytes, of which there are some.
    public init(byteCount: Int) {
        precondition(byteCount > 0, "\(byteCount) bytes")
        self.byteCount = byteCount
    }

    /// Reads a number with a unit; `nil` for what is none, or none that memory has.
    public init?(_ text: String) {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(number.count).drop { $0 == " " }.lowercased()
        guard
            let factor = Self.units.first(where: { $0.name.lowercased() == unit })?.byteCount,
            let value = Double(number), value.isFinite
        else { return nil }
        let bytes = (value * Double(factor)).rounded()
        guard bytes >= 1, bytes < 0x1p60 else { return nil }
        byteCount = Int(bytes)
    }

    /// The units; the first is that of a bare number.
    private static let units: [(name: String, byteCount: Int)] = [
        ("", 1), ("B", 1), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ]

    /// The bytes in a decimal unit that reads back as the same amount.
    public var description: String {
        for unit in Self.units[2...5].reversed() where byteCount % unit.byteCount == 0 {
            return "\(byteCount / unit.byteCount)\(unit.name)"
        }
        return "\(byteCount)"
    }

    /// Rounded for tables: `187 MB`, `1.5 GB`.
    public var rounded: String {
        let tenths = (byteCount + 50_000_000) / 100_000_000
        guard byteCount >= 999_500_000 else { return "\((byteCount + 500_000) / 1_000_000) MB" }
        return tenths % 10 == 0 ? "\(tenths / 10) GB" : "\(tenths / 10).\(tenths % 10) GB"
    }

    /// Fewer bytes.
    public static func < (left: MemorySize, right: MemorySize) -> Bool {
        left.byteCount < right.byteCount
    }
}
