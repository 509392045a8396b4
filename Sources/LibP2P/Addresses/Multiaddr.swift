/// A network address as a chain of protocols with their values.
///
/// Held in the binary form. Once a code is not in the table, the rest of the address is one
/// opaque component, because only the table says how long a value is. Source: multiformats
/// multiaddr.
public struct Multiaddr: Hashable, Sendable, CustomStringConvertible {
    /// Longer addresses are refused; relayed ones with two certificate hashes have about 250 bytes.
    public static let byteCountMax = 1024

    /// One protocol and its value.
    public struct Component: Hashable, Sendable {
        /// The protocol's number.
        public let code: UInt64
        /// The value without its length; for an unknown code all that follows it.
        public let value: [UInt8]

        /// The protocol's name, or nil where its code is not in the table.
        public var name: String? { AddressProtocol.find(code: code)?.name }

        /// The value as text; nil where the protocol has none or is unknown.
        public var text: String? {
            AddressProtocol.find(code: code).flatMap { AddressValue.format(value, as: $0.content) }
        }

        init(_ known: AddressProtocol, value: [UInt8]) {
            code = known.code
            self.value = value
        }

        init(unknownCode code: UInt64, value: [UInt8]) {
            self.code = code
            self.value = value
        }
    }

    /// The binary form.
    public let bytes: [UInt8]
    /// The parts, in order.
    public let components: [Component]

    /// Reads the binary form.
    ///
    /// - Throws: `truncated`, `notMinimal`, `tooLarge`, `invalidAddressValue`; an unknown code is
    ///   no error.
    public init(bytes: [UInt8]) throws(LibP2PError) {
        components = try Self.parse(bytes)
        self.bytes = bytes
    }

    /// Reads the text form, as in `/ip4/10.0.0.7/tcp/7411`.
    ///
    /// - Throws: `unknownAddressProtocol`, `invalidAddressValue`, `malformed(.multiaddr)`,
    ///   `tooLarge`.
    public init(_ text: String) throws(LibP2PError) {
        try self.init(components: Self.parse(text))
    }

    /// The address of a TCP port on an IPv4 or IPv6 address (which may name its zone after `%`) or
    /// on a host name.
    ///
    /// - Throws: `invalidAddressValue`, `tooLarge`.
    public init(tcpHost host: String, port: UInt16) throws(LibP2PError) {
        let parts = host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        let prefix: String
        if IPAddressText.parseIPv4(host) != nil {
            prefix = "/ip4/\(host)"
        } else if let address = parts.first, IPAddressText.parseIPv6(address) != nil {
            prefix = parts.count == 2 ? "/ip6zone/\(parts[1])/ip6/\(address)" : "/ip6/\(address)"
        } else {
            prefix = "/dns/\(host)"
        }
        try self.init("\(prefix)/tcp/\(port)")
    }

    init(components: [Component]) throws(LibP2PError) {
        let bytes = Self.encode(components)
        guard bytes.count <= Self.byteCountMax else {
            throw .tooLarge(
                .multiaddr, byteCount: bytes.count, byteCountMax: Self.byteCountMax
            )
        }
        self.bytes = bytes
        self.components = components
    }

    /// Equal bytes are equal addresses.
    public static func == (left: Multiaddr, right: Multiaddr) -> Bool {
        left.bytes == right.bytes
    }

    /// Feeds the bytes.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(bytes)
    }
}
