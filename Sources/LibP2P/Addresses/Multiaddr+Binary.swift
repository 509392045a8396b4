extension Multiaddr {
    static func parse(_ bytes: [UInt8]) throws(LibP2PError) -> [Component] {
        guard bytes.count <= byteCountMax else {
            throw .tooLarge(.multiaddr, byteCount: bytes.count, byteCountMax: byteCountMax)
        }
        guard !bytes.isEmpty else { throw .malformed(.multiaddr) }
        var reader = ByteReader(bytes, reading: .multiaddr)
        var components: [Component] = []
        while !reader.isAtEnd {
            let code = try reader.uvarint()
            guard let known = AddressProtocol.find(code: code) else {
                components.append(Component(unknownCode: code, value: reader.remainder))
                break
            }
            let value: [UInt8] =
                switch known.layout {
                case .none: []
                case .fixed(let count): try reader.bytes(count)
                case .lengthPrefixed: try reader.lengthPrefixed()
                }
            try AddressValue.check(value, as: known)
            components.append(Component(known, value: value))
        }
        return components
    }

    static func encode(_ components: [Component]) -> [UInt8] {
        var output: [UInt8] = []
        for component in components {
            UVarint.append(component.code, to: &output)
            if AddressProtocol.find(code: component.code)?.layout == .lengthPrefixed {
                UVarint.append(UInt64(component.value.count), to: &output)
            }
            output += component.value
        }
        return output
    }
}
