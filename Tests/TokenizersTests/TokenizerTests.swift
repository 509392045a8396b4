internal import JSONDocuments
internal import Testing

@testable internal import Tokenizers

@Suite struct TokenizerTests {
    private static func definition() throws -> TokenizerDefinition {
        try TokenizerDefinition(
            tokenizerJSON: Fixture.bytes("trained-tokenizer.json"),
            tokenizerConfigJSON: nil
        )
    }

    @Test func `200 strings have the IDs that the tokenizers library gives`() throws {
        let tokenizer = try Tokenizer(Self.definition())
        let expected = try #require(Fixture.json("trained-ids.json").object?["smollm"]?.array)
        let strings = try Fixture.strings()
        #expect(strings.count == 200 && expected.count == 200)
        for (text, ids) in zip(strings, expected) {
            #expect(try tokenizer.encode(text) == Fixture.ids(ids), "\(text.debugDescription)")
        }
    }

    @Test(arguments: TokenizerDefinition.PreTokenizer.allCases.filter { $0 != .whole })
    func `the other patterns cut the 200 strings as the tokenizers library does`(
        kind: TokenizerDefinition.PreTokenizer
    ) throws {
        var definition = try Self.definition()
        definition.preTokenizer = kind
        let tokenizer = try Tokenizer(definition)
        let fixture = try #require(Fixture.json("trained-ids.json").object)
        let base = try #require(fixture["smollm"]?.array)
        let differing = fixture[kind.rawValue]?.object
        for (index, text) in try Fixture.strings().enumerated() {
            let expected = try Fixture.ids(differing?["\(index)"] ?? base[index])
            #expect(tokenizer.encode(text) == expected, "\(text.debugDescription)")
        }
    }

    @Test func `decoding gives back every string whose bytes all have tokens`() throws {
        let tokenizer = try Tokenizer(Self.definition())
        let bytesWithoutToken: Set<UInt8> = [0xF1, 0xF5, 0xFE]
        for text in try Fixture.strings() where bytesWithoutToken.isDisjoint(with: text.utf8) {
            #expect(Array(tokenizer.decode(tokenizer.encode(text)).utf8) == Array(text.utf8))
        }
    }

    @Test func `the two ways of merging agree on long parts`() throws {
        let tokenizer = try Tokenizer(Self.definition())
        var generator = SplitMix(state: 5)
        let letters = Array("aabcdeethinrs")
        for _ in 0..<60 {
            let count = Int.random(in: 30...120, using: &generator)
            let word = String(
                (0..<count).map { _ in letters.randomElement(using: &generator) ?? "a" })
            let ids = tokenizer.encode(word)
            #expect(ids == referenceMerge(word, tokenizer), "\(word)")
        }
    }

    /// Joins the first of the best pairs until there is none, looking at everything each time.
    private func referenceMerge(_ word: String, _ tokenizer: Tokenizer) -> [Int] {
        var ranks: [String: Int] = [:]
        for (rank, merge) in tokenizer.definition.merges.enumerated() { ranks[merge] = rank }
        var symbols = word.map(String.init)
        while true {
            let pairs = zip(symbols, symbols.dropFirst()).map { ranks["\($0) \($1)"] ?? Int.max }
            guard let best = pairs.min(), best < Int.max, let index = pairs.firstIndex(of: best)
            else { break }
            symbols[index] += symbols.remove(at: index + 1)
        }
        return symbols.map { tokenizer.id(of: $0) ?? -1 }
    }

    @Test func `special tokens are found only when asked for`() throws {
        let tokenizer = try Tokenizer(Self.definition())
        let end = try #require(tokenizer.id(of: "<|im_end|>"))
        #expect(tokenizer.encode("<|im_end|>") == [end])
        let plain = tokenizer.encode("<|im_end|>", parsesSpecialTokens: false)
        #expect(!plain.contains(end))
        #expect(tokenizer.decode(plain) == "<|im_end|>")
        #expect(tokenizer.decode([end] + plain, skipsSpecialTokens: true) == "<|im_end|>")
        let added = try #require(tokenizer.id(of: "fooBar"))
        #expect(tokenizer.encode("fooBar", parsesSpecialTokens: false) == [added])
    }

    @Test func `IDs that no token has vanish in decoding`() throws {
        let tokenizer = try Tokenizer(Self.definition())
        #expect(tokenizer.decode([-1, Int.max, tokenizer.vocabularySize]) == "")
        #expect(tokenizer.decode([-5, Int.min], skipsSpecialTokens: true) == "")
    }

    @Test func `a definition survives JSON, and GGUF metadata gives the same tokenizer`() throws {
        let definition = try Self.definition()
        var types = [Int32](repeating: 1, count: definition.tokens.count)
        for token in definition.addedTokens { types[token.id] = token.isSpecial ? 3 : 4 }
        let fromGGUF = try TokenizerDefinition(
            ggufTokens: definition.tokens,
            tokenTypes: types,
            merges: definition.merges,
            model: "gpt2",
            preTokenizer: "smollm",
            bosID: nil,
            eosID: nil,
            chatTemplate: nil
        )
        #expect(fromGGUF == definition)
    }

    @Test func `a part of 60,000 bytes takes no quadratic time`() throws {
        let tokenizer = try Tokenizer(Self.definition())
        let text = String(repeating: "the", count: 20_000)
        #expect(tokenizer.decode(tokenizer.encode(text)) == text)
    }
}
