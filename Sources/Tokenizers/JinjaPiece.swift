/// A Jinja template as a flat list of what it outputs and what steers it.
///
/// This is no Jinja interpreter: it brings the spellings of a template that mean the same to one
/// form (quotes, spaces, `x['y']` and `x.y`, one output or several), so that templates can be
/// compared with known ones. White space is treated as `transformers` sets Jinja up: the line break
/// behind a block and the indentation before it are dropped.
enum JinjaPiece: Hashable {
    /// Text that is output as it is.
    case literal(String)
    /// A value that is output, as in `message.role` or `message.content | trim`.
    case value(String)
    /// A statement, as in `for message in messages`.
    case block(String)
}

/// Cuts a template into pieces; `nil` where it is more than ``JinjaPiece`` can say.
struct JinjaReader {
    private let characters: [Unicode.Scalar]
    private var offset = 0
    private var pieces: [JinjaPiece] = []

    /// The longest templates in use have some ten thousand characters.
    private static let byteCountMax = 1 << 16

    static func pieces(of template: String) -> [JinjaPiece]? {
        guard template.utf8.count <= byteCountMax else { return nil }
        var reader = JinjaReader(template)
        return reader.read()
    }

    private init(_ template: String) {
        var characters = Array(template.unicodeScalars)
        // Jinja drops one line break at the end.
        if characters.last == "\n" { characters.removeLast() }
        self.characters = characters
    }

    private mutating func read() -> [JinjaPiece]? {
        while offset < characters.count {
            // Behind a block a line break has been passed over and the text begins a line.
            let beginsLine = offset == 0 || characters[offset - 1] == "\n"
            let text = readText()
            guard offset < characters.count else {
                append(.literal(text))
                break
            }
            let kind = characters[offset + 1]
            offset += 2
            let stripsBefore = offset < characters.count && characters[offset] == "-"
            if stripsBefore { offset += 1 }
            let kept =
                stripsBefore
                ? Self.trimmingSpace(text)
                : kind == "{" ? text : Self.trimmingIndentation(text, beginsLine: beginsLine)
            append(.literal(kept))
            guard let tokens = kind == "#" ? skipComment() : readTokens(closing: kind) else {
                return nil
            }
            if kind == "%" {
                append(.block(tokens.map(\.spelling).joined(separator: " ")))
            } else if kind == "{" {
                guard appendOutput(tokens) else { return nil }
            }
            skipSpaceBehindTag(isOutput: kind == "{")
        }
        return pieces
    }

    private mutating func readText() -> String {
        var text = String.UnicodeScalarView()
        while offset < characters.count {
            if characters[offset] == "{", offset + 1 < characters.count,
                ["{", "%", "#"].contains(characters[offset + 1])
            {
                break
            }
            text.append(characters[offset])
            offset += 1
        }
        return String(text)
    }

    private static func trimmingSpace(_ text: String) -> String {
        var scalars = text.unicodeScalars
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }

    /// The text without blanks between a line's beginning and a block.
    private static func trimmingIndentation(_ text: String, beginsLine: Bool) -> String {
        var scalars = text.unicodeScalars
        while let last = scalars.last, last == " " || last == "\t" { scalars.removeLast() }
        let isIndentation = scalars.last.map { $0 == "\n" } ?? beginsLine
        return isIndentation ? String(scalars) : text
    }

    private mutating func skipSpaceBehindTag(isOutput: Bool) {
        // The closing bracket took two characters; a hyphen before it strips what follows.
        let hyphen = offset - 3
        if hyphen >= 0, characters[hyphen] == "-" {
            while offset < characters.count, characters[offset].properties.isWhitespace {
                offset += 1
            }
        } else if !isOutput, offset < characters.count, characters[offset] == "\n" {
            offset += 1
        }
    }

    private mutating func skipComment() -> [JinjaToken]? {
        while offset + 1 < characters.count {
            if characters[offset] == "#", characters[offset + 1] == "}" {
                offset += 2
                return []
            }
            offset += 1
        }
        return nil
    }

    private mutating func readTokens(closing kind: Unicode.Scalar) -> [JinjaToken]? {
        let close: Unicode.Scalar = kind == "{" ? "}" : "%"
        var tokens: [JinjaToken] = []
        while offset < characters.count {
            let character = characters[offset]
            let next = offset + 1 < characters.count ? characters[offset + 1] : " "
            if character == close, next == "}" {
                offset += 2
                return JinjaToken.joiningSubscripts(tokens)
            }
            if character == "-", next == close {
                offset += 1
            } else if character.properties.isWhitespace {
                offset += 1
            } else if character == "'" || character == "\"" {
                guard let text = readString(quote: character) else { return nil }
                tokens.append(.string(text))
            } else if Self.isWord(character) {
                tokens.append(.word(readWord()))
            } else {
                offset += 1
                if next == "=", ["=", "!", "<", ">"].contains(character) {
                    offset += 1
                    tokens.append(.symbol("\(character)="))
                } else {
                    tokens.append(.symbol(String(Character(character))))
                }
            }
        }
        return nil
    }

    private static func isWord(_ character: Unicode.Scalar) -> Bool {
        character == "_" || character.properties.isAlphabetic
            || character.properties.numericType != nil
    }

    private mutating func readWord() -> String {
        var word = String.UnicodeScalarView()
        while offset < characters.count, Self.isWord(characters[offset]) {
            word.append(characters[offset])
            offset += 1
        }
        return String(word)
    }

    private mutating func readString(quote: Unicode.Scalar) -> String? {
        offset += 1
        var text = String.UnicodeScalarView()
        while offset < characters.count {
            let character = characters[offset]
            offset += 1
            if character == quote { return String(text) }
            guard character == "\\" else {
                text.append(character)
                continue
            }
            guard offset < characters.count else { return nil }
            let escapes: [Unicode.Scalar: Unicode.Scalar] = [
                "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"",
            ]
            guard let escaped = escapes[characters[offset]] else { return nil }
            text.append(escaped)
            offset += 1
        }
        return nil
    }

    /// Terms with `+` or `~` between them: texts, and values in one way of writing them.
    private mutating func appendOutput(_ tokens: [JinjaToken]) -> Bool {
        let isOperator: (JinjaToken) -> Bool = { $0 == .symbol("+") || $0 == .symbol("~") }
        for term in tokens.split(omittingEmptySubsequences: false, whereSeparator: isOperator) {
            guard let first = term.first else { return false }
            if term.count == 1, case .string(let text) = first {
                append(.literal(text))
            } else {
                append(.value(term.map(\.spelling).joined(separator: " ")))
            }
        }
        return true
    }

    private mutating func append(_ piece: JinjaPiece) {
        guard case .literal(let text) = piece else { return pieces.append(piece) }
        if text.isEmpty { return }
        if case .literal(let before) = pieces.last {
            pieces[pieces.count - 1] = .literal(before + text)
        } else {
            pieces.append(piece)
        }
    }
}
