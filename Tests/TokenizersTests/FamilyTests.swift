internal import Foundation
internal import JSONDocuments
internal import Testing

@testable internal import Tokenizers

@Suite struct FamilyTests {
    @Test(arguments: FamilyFixture.names)
    func `texts have the IDs that the tokenizers library gives`(name: String) throws {
        let fixture = try FamilyFixture(name)
        let tokenizer = try Tokenizer(fixture.definition())
        let (texts, ids) = (try fixture.texts(), try fixture.ids())
        #expect(texts.count == ids.count && texts.count > 200)
        for (text, ids) in zip(texts, ids) {
            #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
        }
    }

    @Test(arguments: FamilyFixture.names)
    func `IDs decode to the text that the tokenizers library gives`(name: String) throws {
        let fixture = try FamilyFixture(name)
        let tokenizer = try Tokenizer(fixture.definition())
        for (index, (text, ids)) in zip(try fixture.texts(), try fixture.ids()).enumerated() {
            let all = tokenizer.decode(ids)
            #expect(all.utf8.elementsEqual(fixture.decoded("decoded", index, text).utf8))
            let kept = tokenizer.decode(ids, skipsSpecialTokens: true)
            #expect(kept.utf8.elementsEqual(fixture.decoded("skipped", index, text).utf8))
        }
    }

    @Test(arguments: FamilyFixture.names)
    func `the template's tokens are put around a text`(name: String) throws {
        let fixture = try FamilyFixture(name)
        let tokenizer = try Tokenizer(fixture.definition())
        let around = try Fixture.ids(fixture.object["around"])
        #expect(tokenizer.encode("", addsSpecialTokens: true) == around)
        let text = tokenizer.encode("the text")
        #expect(
            tokenizer.encode("the text", addsSpecialTokens: true)
                == around.prefix(1) + text + around.dropFirst()
        )
    }

    @Test(arguments: FamilyFixture.names)
    func `a definition survives being stored`(name: String) throws {
        let definition = try FamilyFixture(name).definition()
        let stored = try JSONEncoder().encode(definition)
        #expect(try JSONDecoder().decode(TokenizerDefinition.self, from: stored) == definition)
    }

    @Test func `a definition from before characters were known can be read`() throws {
        let stored = #"""
            {"tokens":["a","b","ab"],"merges":["a b"],"preTokenizer":"gpt-2","addsBOS":false,
            "addedTokens":[{"id":1,"content":"b","isSpecial":false}],"ignoresMerges":false}
            """#
        let definition = try JSONDecoder().decode(
            TokenizerDefinition.self, from: Data(stored.utf8)
        )
        #expect(definition.normalization.isEmpty && definition.characters == nil)
        #expect(!definition.addsEOS && !definition.addedTokens[0].stripsLeft)
        let again = try JSONEncoder().encode(definition)
        let keys = try #require(JSONValue(parsing: Array(again)).object).members.map(\.key)
        #expect(
            keys.sorted()
                == ["addedTokens", "addsBOS", "ignoresMerges", "merges", "preTokenizer", "tokens"]
        )
    }

    @Test func `scores of a GGUF file say what the merges of a tokenizer file say`() throws {
        let fixture = try FamilyFixture("llama2")
        let definition = try fixture.definition()
        let scored = try TokenizerDefinition(
            ggufTokens: definition.tokens,
            tokenTypes: fixture.types(),
            scores: fixture.scores(),
            merges: [],
            model: "llama",
            preTokenizer: "default",
            bosID: 1,
            eosID: nil,
            chatTemplate: nil
        )
        #expect(scored.merges.count > 300)
        #expect(scored == definition)
    }

    @Test(arguments: [("llama3", "llama-bpe"), ("qwen", "qwen2")])
    func `GGUF metadata give the tokenizer of the file beside them`(
        name: String,
        preTokenizer: String
    ) throws {
        let fixture = try FamilyFixture(name)
        var definition = try fixture.definition()
        // The metadata don't hold that a token is found in normalized text.
        definition.addedTokens.removeAll(where: \.isNormalized)
        var types = [Int32](repeating: 1, count: definition.tokens.count)
        for token in definition.addedTokens { types[token.id] = token.isSpecial ? 3 : 4 }
        let fromGGUF = try TokenizerDefinition(
            ggufTokens: definition.tokens,
            tokenTypes: types,
            merges: definition.merges,
            model: "gpt2",
            preTokenizer: preTokenizer,
            bosID: definition.bosID,
            eosID: nil,
            chatTemplate: nil
        )
        #expect(fromGGUF == definition)
    }

    @Test func `bytes of cut characters are themselves until they are shown`() throws {
        let tokenizer = try Tokenizer(FamilyFixture("llama2").definition())
        let cut = try ["<0xF0>", "<0x9F>", "<0x98>"].map { try #require(tokenizer.id(of: $0)) }
        let last = try #require(tokenizer.id(of: "<0x80>"))
        #expect(tokenizer.decodeBytes(cut) == [0xF0, 0x9F, 0x98])
        #expect(tokenizer.decode(cut) == "\u{FFFD}\u{FFFD}\u{FFFD}")
        #expect(tokenizer.decode(cut + [last]) == "\u{1F600}")
        #expect(tokenizer.encode("\u{1F600}").suffix(4) == cut + [last])
    }

    @Test func `special tokens in a text can be read as text`() throws {
        let tokenizer = try Tokenizer(FamilyFixture("mistral").definition())
        let ids = tokenizer.encode("a<s>[INST]</s>", parsesSpecialTokens: false)
        #expect(ids.allSatisfy { $0 > 2 } && !ids.contains(tokenizer.id(of: "[INST]") ?? -1))
        #expect(tokenizer.decode(ids) == "a<s>[INST]</s>")
    }

    @Test(arguments: ["llama2", "mistral", "metaspace"])
    func `parts of a text get no spaces between them`(name: String) throws {
        let tokenizer = try Tokenizer(FamilyFixture(name).definition())
        let parts = ["<s>a text", " and its end</s>", "another", " <s>", "  one"]
        let ids = tokenizer.encode(segments: parts)
        #expect(ids.count == parts.count)
        #expect(ids.flatMap(\.self) == tokenizer.encode(parts.joined()))
        let word = tokenizer.encode(segments: ["th", "e"])
        #expect(word[1] == [try #require(tokenizer.id(of: "e"))])
        #expect(tokenizer.encode("e") != word[1])
        let the = tokenizer.encode("the")
        #expect(tokenizer.decode(the) == "the")
        #expect(tokenizer.decode(the, isContinued: true) == " the")
        #expect(tokenizer.decodeBytes(the, isContinued: true).count == 4)
    }

    @Test func `merging word by word changes nothing`() throws {
        var definition = try FamilyFixture("llama2").definition()
        let words = try Tokenizer(definition)
        // A merge over the place before a mark, which no text here brings about, forbids the cuts.
        definition.tokens += ["\u{FFFC}", "\u{FFFC}\u{2581}"]
        definition.merges.append("\u{FFFC} \u{2581}")
        let whole = try Tokenizer(definition)
        for text in try Fixture.strings() where !text.contains("\u{FFFC}") {
            #expect(words.encode(text) == whole.encode(text), "\(text.debugDescription)")
        }
        let long = String(repeating: "the starling  sings ", count: 400)
        #expect(words.encode(long) == whole.encode(long))
        #expect(whole.encode("a\u{FFFC} ").contains(definition.tokens.count - 1))
    }

    @Test func `a row of spaces and tokens takes no quadratic time`() throws {
        let tokenizer = try Tokenizer(FamilyFixture("stripping").definition())
        let spaces = String(repeating: " ", count: 5000)
        let marks = String(repeating: "<both> <right> ", count: 2000)
        let ids = tokenizer.encode(spaces + "<left>" + spaces + marks + spaces + "<mask>")
        #expect(ids.last == tokenizer.id(of: "<mask>"))
        #expect(ids.count { $0 == tokenizer.id(of: "<both>") } == 2000)
    }
}
