import ArgumentParser
import Foundation
import Testing

@testable import starling

/// Every command line in the documentation is one that the program takes.
@Suite struct DocumentedCommandTests {
    /// A line that begins with `starling` in a block of shell.
    struct Command: CustomTestStringConvertible, Sendable {
        let page: String
        let line: String

        var testDescription: String { "\(page): \(line)" }

        /// The words after the program's name, as a shell cuts them.
        var arguments: [String] {
            var words: [String] = []
            var word: String?
            var isQuoted = false
            for character in line {
                switch character {
                case "\"":
                    isQuoted.toggle()
                    word = word ?? ""
                case "#" where !isQuoted && word == nil:
                    return Array(words.dropFirst())
                case " " where !isQuoted:
                    if let word { words.append(word) }
                    word = nil
                default: word = (word ?? "") + String(character)
                }
            }
            if let word { words.append(word) }
            return Array(words.dropFirst())
        }
    }

    static func commands(of page: String) throws -> [Command] {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: page), encoding: .utf8)
        var commands: [Command] = []
        var isShell = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") { isShell = line == "```sh" }
            guard isShell, line.hasPrefix("starling ") else { continue }
            commands.append(Command(page: page, line: String(line)))
        }
        return commands
    }

    @Test(arguments: ["README.md", "docs/federation.md", "docs/training.md"])
    func `every command of a page is taken`(page: String) throws {
        let commands = try Self.commands(of: page)
        #expect(commands.count > 5)
        for command in commands {
            #expect(throws: Never.self, "\(command.testDescription)") {
                try Starling.parseAsRoot(command.arguments)
            }
        }
    }

    @Test func `words are cut as a shell does`() {
        let command = Command(page: "", line: "starling generate --prompt \"To be\" a#b  # why")
        #expect(command.arguments == ["generate", "--prompt", "To be", "a#b"])
    }
}
