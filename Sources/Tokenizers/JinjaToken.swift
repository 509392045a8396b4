/// A word, a string or a symbol within a tag of a Jinja template.
enum JinjaToken: Hashable {
    /// A name, a number, or a path of names.
    case word(String)
    case string(String)
    case symbol(String)

    /// The token in one way of writing it.
    var spelling: String {
        switch self {
        case .word(let text), .symbol(let text): text
        case .string(let text): "'\(text)'"
        }
    }

    /// Joins `x['y']`, `x.y` and `x[0]` to the single words `x.y` and `x[0]`.
    static func joiningSubscripts(_ tokens: [JinjaToken]) -> [JinjaToken] {
        var joined: [JinjaToken] = []
        var index = 0
        while index < tokens.count {
            let rest = tokens[index...].prefix(3)
            let second = rest.dropFirst().first
            if case .word(let path) = joined.last {
                if tokens[index] == .symbol("."), case .word(let name)? = second {
                    joined[joined.count - 1] = .word("\(path).\(name)")
                    index += 2
                    continue
                }
                if tokens[index] == .symbol("["), rest.count == 3, rest.last == .symbol("]") {
                    if case .string(let name)? = second {
                        joined[joined.count - 1] = .word("\(path).\(name)")
                        index += 3
                        continue
                    }
                    if case .word(let number)? = second {
                        joined[joined.count - 1] = .word("\(path)[\(number)]")
                        index += 3
                        continue
                    }
                }
            }
            joined.append(tokens[index])
            index += 1
        }
        return joined
    }
}
