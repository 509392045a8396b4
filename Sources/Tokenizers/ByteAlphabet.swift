/// The alphabet in which byte-level vocabularies spell bytes as printable characters.
///
/// The 188 bytes that are printable in Latin-1 stand for themselves; the other 68 take the
/// scalars from U+0100 on in ascending order.
/// Source: GPT-2's vocabulary file.
enum ByteAlphabet {
    /// The scalar of each byte.
    static let scalars: [Unicode.Scalar] = {
        var scalars: [Unicode.Scalar] = []
        var next: UInt32 = 0x100
        for byte in UInt8.min...UInt8.max {
            if isPrintable(byte) {
                scalars.append(Unicode.Scalar(byte))
            } else {
                // Every value below U+0144 is a scalar.
                scalars.append(Unicode.Scalar(next) ?? "\u{FFFD}")
                next += 1
            }
        }
        return scalars
    }()

    /// The byte of each scalar below U+0144.
    private static let bytes: [UInt8?] = {
        var bytes = [UInt8?](repeating: nil, count: 0x144)
        for (byte, scalar) in scalars.enumerated() {
            bytes[Int(scalar.value)] = UInt8(byte)
        }
        return bytes
    }()

    /// The bytes that a token spells; `nil` if it has a character outside of the alphabet.
    static func bytes(of token: String) -> [UInt8]? {
        var spelled: [UInt8] = []
        spelled.reserveCapacity(token.utf8.count)
        for scalar in token.unicodeScalars {
            guard scalar.value < 0x144, let byte = bytes[Int(scalar.value)] else { return nil }
            spelled.append(byte)
        }
        return spelled
    }

    private static func isPrintable(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: true
        default: false
        }
    }
}
