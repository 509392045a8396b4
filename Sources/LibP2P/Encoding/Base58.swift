/// Bitcoin's base 58: no zero, capital O, capital I or small l; a leading zero byte is a `1`.
enum Base58 {
    private static let alphabet = Array(
        "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8
    )
    /// The digit of each ASCII character, 0xff for none.
    private static let digits: [UInt8] = {
        var table = [UInt8](repeating: 0xff, count: 256)
        for (digit, character) in alphabet.enumerated() { table[Int(character)] = UInt8(digit) }
        return table
    }()
    /// Both directions take quadratic time; a peer id has 52 characters, so this is ample.
    static let characterCountMax = 256

    /// - Complexity: O(*n*²) of the count.
    static func encode(_ bytes: [UInt8]) -> String {
        var reversed: [UInt8] = []
        for byte in bytes {
            var carry = Int(byte)
            for index in reversed.indices {
                carry += Int(reversed[index]) << 8
                reversed[index] = UInt8(carry % 58)
                carry /= 58
            }
            while carry > 0 {
                reversed.append(UInt8(carry % 58))
                carry /= 58
            }
        }
        let zeros = repeatElement(alphabet[0], count: bytes.prefix { $0 == 0 }.count)
        let characters = Array(zeros) + reversed.reversed().map { alphabet[Int($0)] }
        return String(decoding: characters, as: UTF8.self)
    }

    /// - Complexity: O(*n*²) of the count, which is bounded.
    static func decode(_ text: String) throws(LibP2PError) -> [UInt8] {
        let characters = text.utf8
        guard characters.count <= characterCountMax else {
            throw .tooLarge(
                .base58, byteCount: characters.count, byteCountMax: characterCountMax
            )
        }
        var reversed: [UInt8] = []
        for character in characters {
            let digit = digits[Int(character)]
            guard digit != 0xff else { throw .malformed(.base58) }
            var carry = Int(digit)
            for index in reversed.indices {
                carry += Int(reversed[index]) * 58
                reversed[index] = UInt8(truncatingIfNeeded: carry)
                carry >>= 8
            }
            if carry > 0 { reversed.append(UInt8(carry)) }
        }
        let zeros = repeatElement(UInt8(0), count: characters.prefix { $0 == alphabet[0] }.count)
        return Array(zeros) + reversed.reversed()
    }
}
