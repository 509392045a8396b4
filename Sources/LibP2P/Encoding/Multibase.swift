/// Texts whose first character names their base.
enum Multibase {
    /// Longer texts are refused; the longest in use, a certificate hash, has 48 characters.
    static let characterCountMax = 256

    /// Reads the four bases that peers print: 16 (`f`), 32 (`b`), 58 (`z`) and URL-safe 64 (`u`).
    static func decode(_ text: String) throws(LibP2PError) -> [UInt8] {
        guard text.utf8.count <= characterCountMax else {
            throw .tooLarge(
                .base32, byteCount: text.utf8.count, byteCountMax: characterCountMax
            )
        }
        let rest = text.utf8.dropFirst()
        switch text.utf8.first {
        case UInt8(ascii: "b"): return try BitText.base32.decode(rest)
        case UInt8(ascii: "f"): return try BitText.base16.decode(rest)
        case UInt8(ascii: "u"): return try BitText.base64URL.decode(rest)
        case UInt8(ascii: "z"): return try Base58.decode(String(decoding: rest, as: UTF8.self))
        default: throw .malformed(.base32)
        }
    }
}
