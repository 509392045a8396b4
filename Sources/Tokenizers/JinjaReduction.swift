/// Takes out of a template what is never rendered here: there are no tools, no calls of tools and
/// no answers of tools, only messages of the system, the user and the assistant.
enum JinjaReduction {
    /// How Qwen 2.5 begins a conversation without tools, up to its default message.
    static let systemFirst: [JinjaPiece] = [
        .block("if messages[0].role == 'system'"), .literal(ChatTemplate.chatMLOpening("system")),
        .value("messages[0].content"), .literal(ChatTemplate.endOfTurn + "\n"), .block("else"),
    ]

    /// The turns of Qwen 2.5 that are not calls of tools.
    static let everyTurnButFirstSystem: [JinjaPiece] = [
        .block(
            "if ( message.role == 'user' ) or ( message.role == 'system' and not loop.first ) or "
                + "( message.role == 'assistant' and not message.tool_calls )"
        )
    ]

    /// The template without the branch `if tools`, and without the branches behind the one that
    /// takes all turns but calls of tools.
    static func withoutTools(_ pieces: [JinjaPiece]) -> [JinjaPiece] {
        var kept: [JinjaPiece] = []
        var index = 0
        while index < pieces.count {
            if pieces[index] == .block("if tools"),
                let branches = branches(of: pieces, from: index), branches.count == 2,
                pieces[branches[0]] == .block("else")
            {
                kept += withoutTools(Array(pieces[(branches[0] + 1)..<branches[1]]))
                index = branches[1] + 1
            } else if [pieces[index]] == everyTurnButFirstSystem,
                let branches = branches(of: pieces, from: index), branches.count == 3,
                pieces[branches[0]] == .block("elif message.role == 'assistant'"),
                pieces[branches[1]] == .block("elif message.role == 'tool'")
            {
                kept += pieces[index..<branches[0]] + [.block("endif")]
                index = branches[2] + 1
            } else {
                kept.append(pieces[index])
                index += 1
            }
        }
        return kept
    }

    /// Where the branches of an `if` end: at each `elif` and `else` of it, and at its `endif`.
    private static func branches(of pieces: [JinjaPiece], from start: Int) -> [Int]? {
        var depth = 0
        var ends: [Int] = []
        for index in start..<pieces.count {
            guard case .block(let text) = pieces[index] else { continue }
            let word = text.prefix { $0 != " " }
            if word == "if" { depth += 1 }
            if depth == 1, word == "elif" || word == "else" || word == "endif" {
                ends.append(index)
            }
            if word == "endif" { depth -= 1 }
            if depth == 0 { return ends }
        }
        return nil
    }
}
