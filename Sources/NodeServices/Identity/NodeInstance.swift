internal import Cryptography

/// What tells a running process from another with the same key: eight random digits behind the
/// program's name in identify.
enum NodeInstance {
    /// The tag of this process.
    static let own = Hexadecimal.encode(SystemRandom.bytes(4))

    /// The tag in what a peer calls its program; nil if it has none.
    static func tag(inAgent agent: String) -> String? {
        guard agent.hasPrefix("starling/"), agent.hasSuffix(")"),
            let open = agent.lastIndex(of: "(")
        else { return nil }
        let tag = agent[agent.index(after: open)...].dropLast()
        return tag.count == 8 && tag.allSatisfy(\.isHexDigit) ? String(tag) : nil
    }
}
