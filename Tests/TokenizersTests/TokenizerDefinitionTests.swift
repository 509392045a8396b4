internal import JSONDocuments
internal import Testing

@testable internal import Tokenizers

@Suite struct TokenizerDefinitionTests {
    /// A tokenizer of three tokens with parts of it replaced.
    private static func json(_ replacements: [String: String] = [:]) -> [UInt8] {
        var parts = [
            "added_tokens": #"[{"id":3,"content":"<e>","special":true}]"#,
            "normalizer": "null",
            "pre_tokenizer": #"{"type":"ByteLevel","add_prefix_space":false}"#,
            "post_processor": "null",
            "decoder": #"{"type":"ByteLevel"}"#,
            "model": #"{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}"#,
        ]
        parts.merge(replacements) { $1 }
        let members = parts.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
        return Array("{\(members.joined(separator: ","))}".utf8)
    }

    private static func tokenizer(_ replacements: [String: String] = [:]) throws -> Tokenizer {
        try Tokenizer(
            TokenizerDefinition(tokenizerJSON: json(replacements), tokenizerConfigJSON: nil)
        )
    }

    @Test func `bytes without a token vanish and their neighbours meet`() throws {
        #expect(try Self.tokenizer().encode("azb<e>b") == [2, 3, 1])
    }

    @Test func `an unknown token stands for bytes without one`() throws {
        let model = #"{"vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]],"unk_token":"<e>"}"#
        #expect(try Self.tokenizer(["model": model]).encode("azb") == [0, 3, 1])
    }

    @Test func `parts that are tokens are not merged if merges are ignored`() throws {
        let model = #"{"vocab":{"a":0,"b":1,"ab":2},"merges":[],"ignore_merges":true}"#
        #expect(try Self.tokenizer(["model": model]).encode("ab") == [2])
        let merging = model.replacing("true", with: "false")
        #expect(try Self.tokenizer(["model": merging]).encode("ab") == [0, 1])
    }

    @Test func `the token before a text is noted`() throws {
        let post = #"""
            {"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"TemplateProcessing",
            "single":[{"SpecialToken":{"id":"<e>","type_id":0}},{"Sequence":{"id":"A"}}]}]}
            """#
        let tokenizer = try Self.tokenizer(["post_processor": post])
        #expect(tokenizer.bosID == 3 && tokenizer.definition.addsBOS)
        #expect(try Self.tokenizer().definition.addsBOS == false)
    }

    @Test(arguments: [
        ("normalizer", #"{"type":"NFKC"}"#), ("decoder", #"{"type":"Metaspace"}"#),
        ("pre_tokenizer", #"{"type":"Whitespace"}"#), ("pre_tokenizer", "null"),
        ("pre_tokenizer", #"{"type":"ByteLevel","add_prefix_space":true}"#),
        ("model", #"{"type":"Unigram","vocab":{},"merges":[]}"#),
        ("model", #"{"vocab":{},"merges":[],"byte_fallback":true}"#),
        ("model", #"{"vocab":{},"merges":[],"dropout":0.1}"#),
        ("model", #"{"vocab":{},"merges":[],"end_of_word_suffix":"</w>"}"#),
        ("model", #"{"vocab":{"a":0},"merges":["a"]}"#),
        ("model", #"{"vocab":{"a":0},"merges":["a a"]}"#),
        ("model", #"{"vocab":{"a":0,"aa":1},"merges":["a a","a a"]}"#),
        ("model", #"{"vocab":{"a":0,"aa":1},"merges":["a  a"]}"#),
        ("model", #"{"vocab":{"a":0,"b":0},"merges":[]}"#),
        ("model", #"{"vocab":{"a":0,"a":1},"merges":[]}"#),
        ("model", #"{"vocab":{"a":-1},"merges":[]}"#),
        ("model", #"{"vocab":{"a":9223372036854775807},"merges":[]}"#),
        ("model", #"{"vocab":{"a":1e3},"merges":[]}"#), ("model", "[]"),
        ("model", #"{"vocab":[]}"#),
        ("added_tokens", #"[{"id":0,"content":"<e>"}]"#),
        ("added_tokens", #"[{"id":99999999,"content":"<e>"}]"#),
        ("added_tokens", #"[{"id":3,"content":"<e>","lstrip":"yes"}]"#),
        ("added_tokens", #"[{"id":3,"content":""}]"#), ("added_tokens", "[7]"),
        ("post_processor", #"{"type":"BertProcessing"}"#),
    ])
    func `what is not computed here is refused`(key: String, value: String) {
        #expect(throws: TokenizerError.self) { try Self.tokenizer([key: value]) }
    }

    @Test func `errors name the part`() throws {
        let error = #expect(throws: TokenizerError.self) {
            try Self.tokenizer(["normalizer": #"{"type":"NFKC"}"#])
        }
        #expect(error?.description.hasPrefix("normalizer.type is \"NFKC\", but only NFC") == true)
        #expect(
            throws: TokenizerError.unsupported(
                item: "tokenizer.ggml.pre",
                value: "deepseek-llm",
                supported: "smollm, gpt-2, default, llama-bpe or qwen2"
            )
        ) {
            try TokenizerDefinition(
                ggufTokens: [],
                tokenTypes: [],
                merges: [],
                model: "gpt2",
                preTokenizer: "deepseek-llm",
                bosID: nil,
                eosID: nil,
                chatTemplate: nil
            )
        }
    }

    @Test func `a stored definition is checked as a whole`() throws {
        let good = try Self.tokenizer().definition
        let changes: [(inout TokenizerDefinition) -> Void] = [
            { $0.tokens[1] = "a" }, { $0.merges = ["b a"] }, { $0.merges.append("a b") },
            { $0.addedTokens[0].id = 17 }, { $0.addedTokens[0].id = -1 },
            { $0.addedTokens.append($0.addedTokens[0]) }, { $0.addedTokens[0].content = "x" },
            { $0.bosID = 4 }, { $0.eosID = -1 }, { $0.unknownID = Int.max },
        ]
        for change in changes {
            var definition = good
            change(&definition)
            #expect(throws: TokenizerError.self) { try Tokenizer(definition) }
        }
    }

    @Test func `no cut or change of a tokenizer file ends the process`() {
        let bytes = Self.json()
        for end in bytes.indices {
            #expect(throws: TokenizerError.self) {
                try TokenizerDefinition(
                    tokenizerJSON: Array(bytes[..<end]),
                    tokenizerConfigJSON: nil
                )
            }
        }
        var generator = SplitMix(state: 3)
        for _ in 0..<4000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: changed.indices, using: &generator)
                changed[index] =
                    Array("{}[]\",:0129-e\\nua \u{e9}".utf8)
                    .randomElement(using: &generator) ?? 0
            }
            let definition = try? TokenizerDefinition(
                tokenizerJSON: changed,
                tokenizerConfigJSON: changed
            )
            guard let definition, let tokenizer = try? Tokenizer(definition) else { continue }
            _ = tokenizer.decode(tokenizer.encode("ab <e> ba", parsesSpecialTokens: true))
        }
    }
}
