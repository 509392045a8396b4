/// The tokens that a text begins as, before any merge: those of its bytes or of its characters.
struct SymbolTable {
    /// The token of each byte or, where symbols are characters, of each ASCII character; or -1.
    private let firstIDs: [Int32]
    /// Where symbols are characters, how to find those beyond ASCII; `nil` if symbols are bytes.
    private let characters: TokenIndex?
    /// The tokens that spell single bytes, or -1.
    private let byteIDs: [Int32]
    /// What stands for a symbol without a token, or -1 if such are dropped.
    private let unknownID: Int32
    private let fusesUnknown: Bool

    /// Symbols that are bytes, each with its token or -1.
    init(byteIDs: [Int32], unknownID: Int32) {
        precondition(byteIDs.count == 256, "\(byteIDs.count) bytes")
        firstIDs = byteIDs
        characters = nil
        self.byteIDs = [Int32](repeating: -1, count: 256)
        self.unknownID = unknownID
        fusesUnknown = false
    }

    /// Symbols that are characters.
    init(characters: TokenIndex, spelling: CharacterSpelling, unknownID: Int32) {
        firstIDs = (0..<128).map { characters.id(of: [UInt8($0)]) }
        byteIDs = (0..<256).map { byte in
            spelling.hasByteFallback
                ? characters.id(of: ByteTokens.text(UInt8(byte))[...]) : -1
        }
        self.characters = characters
        self.unknownID = unknownID
        fusesUnknown = spelling.fusesUnknown
    }

    /// Whether a symbol can vanish, so that its neighbours meet.
    var dropsSymbols: Bool { unknownID < 0 && byteIDs.contains { $0 < 0 } }

    /// Appends the symbols of a part.
    func append(_ bytes: [UInt8], in range: Range<Int>, to ids: inout [Int32]) {
        if characters == nil, unknownID < 0 {
            for offset in range {
                let id = firstIDs[Int(bytes[offset])]
                // A byte without a token vanishes and its neighbours meet, as in the field's
                // encoders.
                if id >= 0 { ids.append(id) }
            }
        } else {
            appendWithUnknown(bytes, in: range, to: &ids)
        }
    }

    /// An unknown token waits until a known symbol comes, since the next unknown one may be fused
    /// with it; tokens of bytes overtake it, as in the `tokenizers` library.
    private func appendWithUnknown(
        _ bytes: [UInt8],
        in range: Range<Int>,
        to ids: inout [Int32]
    ) {
        var offset = range.lowerBound
        var isUnknownWaiting = false
        while offset < range.upperBound {
            let length = characters == nil ? 1 : ScalarClass.length(from: bytes[offset])
            let symbol = bytes[offset..<min(offset + length, range.upperBound)]
            offset += length
            let id = self.id(of: symbol)
            if id >= 0 {
                if isUnknownWaiting { ids.append(unknownID) }
                isUnknownWaiting = false
                ids.append(id)
            } else if symbol.allSatisfy({ byteIDs[Int($0)] >= 0 }) {
                for byte in symbol { ids.append(byteIDs[Int(byte)]) }
            } else if unknownID >= 0 {
                if isUnknownWaiting, !fusesUnknown { ids.append(unknownID) }
                isUnknownWaiting = true
            }
        }
        if isUnknownWaiting { ids.append(unknownID) }
    }

    private func id(of symbol: ArraySlice<UInt8>) -> Int32 {
        guard let characters, let first = symbol.first, first >= 0x80 else {
            return symbol.first.map { firstIDs[Int($0)] } ?? -1
        }
        return characters.id(of: symbol)
    }
}

/// The tokens `<0x00>` to `<0xFF>`, which stand for single bytes.
enum ByteTokens {
    private static let digits = Array("0123456789ABCDEF".utf8)

    static func text(_ byte: UInt8) -> [UInt8] {
        Array("<0x".utf8)
            + [digits[Int(byte >> 4)], digits[Int(byte & 15)], UInt8(ascii: ">")]
    }

    /// The byte that a token stands for, or `nil` if it is another token.
    static func byte(_ text: ArraySlice<UInt8>) -> UInt8? {
        guard text.count == 6, text.starts(with: "<0x".utf8), text.last == UInt8(ascii: ">"),
            let high = digit(text[text.startIndex + 3]),
            let low = digit(text[text.startIndex + 4])
        else { return nil }
        return high << 4 | low
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
