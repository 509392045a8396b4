/// A range of IP addresses: those that share the leading bits of one.
///
/// Text: an address alone, or with the number of bits behind a slash, as in `203.0.113.0/24`.
public struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
    private static let mappedPrefix = [UInt8](repeating: 0, count: 10) + [0xff, 0xff]

    /// The first address of the range: 4 or 16 bytes.
    public let bytes: [UInt8]
    /// How many leading bits count.
    public let bitCount: Int

    /// Reads the text form; nil where it is none, or has bits set behind those that count.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, let bytes = Self.address(first) else {
            return nil
        }
        var bitCount = bytes.count * 8
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count),
                parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let count = Int(parts[1]), (0...bitCount).contains(count)
            else { return nil }
            bitCount = count
        }
        guard Self.masked(bytes, bitCount: bitCount) == bytes else { return nil }
        self.bytes = bytes
        self.bitCount = bitCount
    }

    /// The IPv6 network of 64 bits that an address, as text and with or without its zone, is in; nil for
    /// other text.
    ///
    /// Whoever has one address of it can have them all.
    public init?(siteOf host: String) {
        guard let address = Self.address(host.prefix { $0 != "%" }), address.count == 16 else {
            return nil
        }
        bitCount = 64
        bytes = Self.masked(address, bitCount: bitCount)
    }

    /// Whether an address, as text and with or without its zone, is in the range.
    ///
    /// An IPv4 address that is written as an IPv6 one counts as what it is.
    public func contains(host: String) -> Bool {
        guard let address = Self.address(host.prefix { $0 != "%" }), address.count == bytes.count
        else { return false }
        return Self.masked(address, bitCount: bitCount) == bytes
    }

    /// The text form.
    public var description: String {
        let address =
            bytes.count == 4 ? IPAddressText.formatIPv4(bytes) : IPAddressText.formatIPv6(bytes)
        return bitCount == bytes.count * 8 ? address : "\(address)/\(bitCount)"
    }

    private static func address(_ text: Substring) -> [UInt8]? {
        if let bytes = IPAddressText.parseIPv4(text) { return bytes }
        guard let bytes = IPAddressText.parseIPv6(text) else { return nil }
        return bytes.starts(with: mappedPrefix) ? Array(bytes.suffix(4)) : bytes
    }

    private static func masked(_ bytes: [UInt8], bitCount: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let kept = min(max(bitCount - index * 8, 0), 8)
            return kept == 0 ? 0 : byte & (0xff << UInt8(8 - kept))
        }
    }
}
