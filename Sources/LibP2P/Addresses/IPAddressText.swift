/// IP addresses as text.
///
/// Source: RFC 4291 section 2.2, RFC 5952 for printing.
enum IPAddressText {
    /// Reads four decimal numbers without leading zeros.
    static func parseIPv4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ (0x30...0x39).contains($0) }),
                part.count == 1 || part.first != 0x30
            else { return nil }
            let number = part.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            guard let byte = UInt8(exactly: number) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// Reads eight groups, with at most one `::`, of which the last two may be an IPv4 address.
    static func parseIPv6(_ text: some StringProtocol) -> [UInt8]? {
        guard (2...45).contains(text.utf8.count) else { return nil }
        let halves = split(String(text))
        guard let head = groups(halves.head, allowsIPv4: halves.tail == nil) else { return nil }
        guard let tailText = halves.tail else { return head.count == 16 ? head : nil }
        guard let tail = groups(tailText, allowsIPv4: true), head.count + tail.count <= 14 else {
            return nil
        }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// Splits at the first `::`; a second one leaves an empty group, which is then refused.
    private static func split(_ text: String) -> (head: Substring, tail: Substring?) {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next < text.endIndex, text[next] == ":" {
                return (text[..<index], text[text.index(after: next)...])
            }
            index = next
        }
        return (text[...], nil)
    }

    private static func groups(_ text: Substring, allowsIPv4: Bool) -> [UInt8]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 8 else { return nil }
        var bytes: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if allowsIPv4, index == parts.count - 1, let quad = parseIPv4(part) {
                bytes += quad
                continue
            }
            guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexadecimal),
                let number = UInt16(part, radix: 16)
            else { return nil }
            bytes += [UInt8(number >> 8), UInt8(number & 0xff)]
        }
        return bytes
    }

    private static func isHexadecimal(_ character: UInt8) -> Bool {
        switch character {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }

    static func formatIPv4(_ bytes: [UInt8]) -> String {
        bytes.map(String.init).joined(separator: ".")
    }

    /// Lower-case groups; the longest run of two or more zero groups, the first of equals, is `::`.
    static func formatIPv6(_ bytes: [UInt8]) -> String {
        let groups = stride(from: 0, to: bytes.count - 1, by: 2).map {
            UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
        }
        var best = 0..<0
        var index = 0
        while index < groups.count {
            let run = groups[index...].prefix { $0 == 0 }
            if run.count >= 2, run.count > best.count { best = run.indices }
            index += max(run.count, 1)
        }
        let texts = groups.map { String($0, radix: 16) }
        guard !best.isEmpty else { return texts.joined(separator: ":") }
        return texts[..<best.lowerBound].joined(separator: ":") + "::"
            + texts[best.upperBound...].joined(separator: ":")
    }
}
