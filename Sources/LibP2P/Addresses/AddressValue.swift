internal import Cryptography

/// The values of address parts: text to bytes, bytes to text, and what is allowed.
enum AddressValue {
    /// A DNS name has at most 253 characters; paths and zones have no business being longer.
    private static let nameByteCountMax = 255

    static func parse(
        _ text: String, as known: AddressProtocol
    ) throws(LibP2PError) -> [UInt8] {
        let value: [UInt8]?
        switch known.content {
        case .none: value = []
        case .ipv4: value = IPAddressText.parseIPv4(text)
        case .ipv6: value = IPAddressText.parseIPv6(text)
        case .port: value = port(text)
        case .name, .path: value = Array(text.utf8)
        case .peerID: value = try PeerID(parsing: text).bytes
        case .multibase: value = try Multibase.decode(text)
        }
        guard let value else {
            throw .invalidAddressValue(protocolName: known.name, value: text)
        }
        try check(value, as: known)
        return value
    }

    /// Checks bytes that a peer sent (or a text gave) against what the protocol can mean.
    static func check(_ value: [UInt8], as known: AddressProtocol) throws(LibP2PError) {
        let isValid: Bool =
            switch known.content {
            case .none, .ipv4, .ipv6, .port: true
            case .name: isText(value) && !value.contains(UInt8(ascii: "/"))
            case .path: isText(value) && value.count > 1 && value.first == UInt8(ascii: "/")
            case .peerID: PeerID(bytes: value) != nil
            case .multibase: !value.isEmpty
            }
        guard isValid else {
            throw .invalidAddressValue(
                protocolName: known.name, value: Hexadecimal.encode(value.prefix(64))
            )
        }
    }

    static func format(_ value: [UInt8], as content: AddressProtocol.Content) -> String? {
        switch content {
        case .none: nil
        case .ipv4: IPAddressText.formatIPv4(value)
        case .ipv6: IPAddressText.formatIPv6(value)
        case .port: value.count == 2 ? String(Int(value[0]) << 8 | Int(value[1])) : nil
        case .name, .path: String(decoding: value, as: UTF8.self)
        case .peerID: Base58.encode(value)
        case .multibase: "u" + BitText.base64URL.encode(value)
        }
    }

    /// Visible text: UTF-8 without control characters, not empty, bounded.
    private static func isText(_ value: [UInt8]) -> Bool {
        guard (1...nameByteCountMax).contains(value.count),
            let text = String(validating: value, as: UTF8.self)
        else { return false }
        return text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }

    private static func port(_ text: String) -> [UInt8]? {
        guard (1...5).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = UInt16(text)
        else { return nil }
        return [UInt8(number >> 8), UInt8(number & 0xff)]
    }
}
