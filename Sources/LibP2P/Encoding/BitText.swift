/// Texts in which each character stands for a fixed number of bits, without padding.
///
/// Source: RFC 4648, sections 5 and 6.
struct BitText: Sendable {
    /// Lower-case base 32, multibase letter `b`.
    static let base32 = BitText(alphabet: "abcdefghijklmnopqrstuvwxyz234567", bitCount: 5)
    /// URL-safe base 64, multibase letter `u`.
    static let base64URL = BitText(
        alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", bitCount: 6
    )
    /// Hexadecimal digits, multibase letter `f`.
    static let base16 = BitText(alphabet: "0123456789abcdef", bitCount: 4)

    private let characters: [UInt8]
    private let values: [UInt8]
    private let bitCount: Int

    private init(alphabet: String, bitCount: Int) {
        characters = Array(alphabet.utf8)
        precondition(characters.count == 1 << bitCount, "\(characters.count) characters")
        var table = [UInt8](repeating: 0xff, count: 256)
        for (value, character) in characters.enumerated() { table[Int(character)] = UInt8(value) }
        values = table
        self.bitCount = bitCount
    }

    func encode(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count * 8 + bitCount - 1) / bitCount)
        var bits = 0
        var available = 0
        for byte in bytes {
            bits = (bits << 8 | Int(byte)) & 0xffff
            available += 8
            while available >= bitCount {
                available -= bitCount
                output.append(characters[bits >> available & (1 << bitCount - 1)])
            }
        }
        if available > 0 {
            output.append(characters[bits << (bitCount - available) & (1 << bitCount - 1)])
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// Reads the text; left-over bits must be zero and fewer than a character has.
    func decode(_ text: some Sequence<UInt8>) throws(LibP2PError) -> [UInt8] {
        var output: [UInt8] = []
        var bits = 0
        var available = 0
        for character in text {
            let value = values[Int(character)]
            guard value != 0xff else { throw .malformed(.base32) }
            bits = (bits << bitCount | Int(value)) & 0xffff
            available += bitCount
            if available >= 8 {
                available -= 8
                output.append(UInt8(truncatingIfNeeded: bits >> available))
            }
        }
        guard available < bitCount, bits & (1 << available - 1) == 0 else {
            throw .malformed(.base32)
        }
        return output
    }
}
