internal import JSONDocuments
internal import Testing

@testable internal import Tokenizers

@Suite struct HostileTokenizerTests {
    private static let character = #"{"type":"BPE","byte_fallback":true,"fuse_unk":true,"#
    private static let decoder = #"{"type":"Sequence","decoders":[{"type":"Fuse"}]}"#

    /// A tokenizer whose tokens spell characters, with parts of it replaced.
    private static func json(_ replacements: [String: String]) -> [UInt8] {
        var parts = [
            "added_tokens": "[]", "normalizer": "null", "pre_tokenizer": "null",
            "post_processor": "null", "decoder": decoder,
            "model": character + #""vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}"#,
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

    private static let longText = String(repeating: "x", count: 65)

    @Test func `the smallest tokenizer of characters works`() throws {
        let tokenizer = try Self.tokenizer()
        #expect(tokenizer.encode("xabb") == [2, 1])
        #expect(tokenizer.decode([2, 1]) == "abb")
    }

    @Test(arguments: [
        ("normalizer", #"{"type":"NFKC"}"#), ("normalizer", "7"),
        ("normalizer", #"{"type":"Sequence"}"#),
        ("normalizer", #"{"type":"Sequence","normalizers":[7]}"#),
        ("normalizer", #"{"type":"Replace","pattern":{"Regex":"a"},"content":"b"}"#),
        ("normalizer", #"{"type":"Replace","pattern":{"String":""},"content":"b"}"#),
        ("normalizer", #"{"type":"Replace","pattern":{"String":"a"}}"#),
        ("normalizer", #"{"type":"Replace","pattern":{"String":"a"},"content":"\#(longText)"}"#),
        ("normalizer", #"{"type":"Prepend","prepend":"\#(longText)"}"#),
        ("pre_tokenizer", #"{"type":"Metaspace","replacement":"ab"}"#),
        ("pre_tokenizer", #"{"type":"Metaspace","replacement":""}"#),
        ("pre_tokenizer", #"{"type":"Metaspace","replacement":"_","prepend_scheme":"last"}"#),
        (
            "pre_tokenizer",
            #"{"type":"Metaspace","replacement":"_","prepend_scheme":"first","add_prefix_space":false}"#
        ),
        ("pre_tokenizer", #"{"type":"ByteLevel","add_prefix_space":false}"#),
        ("decoder", "null"), ("decoder", #"{"type":"ByteLevel"}"#), ("decoder", #"{"type":"CTC"}"#),
        ("decoder", #"{"type":"Sequence","decoders":[]}"#),
        ("decoder", #"{"type":"Strip","content":" ","start":1,"stop":0}"#),
        (
            "decoder",
            #"{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Strip","content":" ","start":-1}]}"#
        ),
        (
            "decoder",
            #"{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Strip","content":"","start":9}]}"#
        ),
        (
            "decoder",
            #"{"type":"Sequence","decoders":[{"type":"Fuse"},"#
                + #"{"type":"Strip","content":" ","start":0,"stop":1}]}"#
        ),
        ("post_processor", #"{"type":"TemplateProcessing","single":[]}"#),
        (
            "post_processor",
            #"{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"a"}}]}"#
        ),
        (
            "post_processor",
            #"{"type":"TemplateProcessing","single":[{"Sequence":{}},{"Sequence":{}}]}"#
        ),
        (
            "post_processor",
            #"{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"a"}},{"Sequence":{}}],"#
                + #""special_tokens":{"a":{"id":"a","ids":[3]}}}"#
        ),
        ("added_tokens", #"[{"id":3,"content":"x","lstrip":1}]"#),
        ("added_tokens", #"[{"id":0,"content":"x"}]"#),
        ("added_tokens", #"[{"id":-3,"content":"x"}]"#),
        ("added_tokens", #"[{"id":1048576,"content":"x"}]"#),
        ("added_tokens", #"[{"id":3,"content":"x"},{"id":3,"content":"x"}]"#),
        ("added_tokens", #"{"id":3,"content":"x"}"#),
        ("model", character + #""vocab":{"a":0,"aa":1},"merges":["a a","a a"]}"#),
        ("model", character + #""vocab":{"a":0},"merges":["a b"]}"#),
        ("model", character + #""vocab":{"a":0},"merges":[["a"]]}"#),
        ("model", character + #""vocab":{"a":1048576},"merges":[]}"#),
        ("model", character + #""vocab":{"a":0,"b":0},"merges":[]}"#),
        ("model", character + #""vocab":{"a":-1},"merges":[]}"#),
        ("model", character + #""vocab":{"a":0},"merges":[],"unk_token":"b"}"#),
        ("model", character + #""vocab":{"a":0},"merges":[],"unk_token":7}"#),
        ("model", #"{"vocab":{"a":0},"merges":[],"byte_fallback":7}"#),
    ])
    func `what is not computed or contradicts itself is refused`(key: String, value: String) {
        #expect(throws: TokenizerError.self) { try Self.tokenizer([key: value]) }
    }

    @Test func `sequences in sequences end at the limit of the reader`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: #"{"type":"Sequence","normalizers":["#, count: depth)
                + #"{"type":"NFC"}"# + String(repeating: "]}", count: depth)
        }
        #expect(try Self.tokenizer(["normalizer": nested(20)]).definition.normalization == [.nfc])
        for depth in [40, 100_000] {
            #expect(throws: TokenizerError.self) {
                try Self.tokenizer(["normalizer": nested(depth)])
            }
        }
    }

    @Test func `text can't be made to grow without bound`() throws {
        func doubling(_ count: Int) -> String {
            let step = #"{"type":"Replace","pattern":{"String":"a"},"content":"aa"}"#
            let steps = [String](repeating: step, count: count).joined(separator: ",")
            return #"{"type":"Sequence","normalizers":[\#(steps)]}"#
        }
        #expect(try Self.tokenizer(["normalizer": doubling(4)]).encode("a").count == 16)
        #expect(
            throws: TokenizerError.limitExceeded(item: "the growth of text", actual: 32, limit: 16)
        ) { try Self.tokenizer(["normalizer": doubling(60)]) }
    }

    @Test func `added tokens are bounded in length and sum`() {
        let long = String(repeating: "x", count: 1025)
        #expect(
            throws: TokenizerError.limitExceeded(
                item: "the length of an added token", actual: 1025, limit: 1024
            )
        ) { try Self.tokenizer(["added_tokens": #"[{"id":3,"content":"\#(long)"}]"#]) }
        let many = (3..<1100).map { #"{"id":\#($0),"content":"\#(long.dropLast(6))\#($0)"}"# }
        #expect(throws: TokenizerError.self) {
            try Self.tokenizer(["added_tokens": "[\(many.joined(separator: ","))]"])
        }
    }

    @Test(
        arguments: [
            ([], []), ([0, -1], [1, 1]), ([0, -1, .nan], [1, 1, 1]),
            ([0, 0, .infinity], [1, 1, 1]),
        ] as [([Float], [Int32])])
    func `a GGUF vocabulary without a score for each token is refused`(
        scores: [Float],
        types: [Int32]
    ) {
        #expect(throws: TokenizerError.self) {
            try TokenizerDefinition(
                ggufTokens: ["a", "b", "ab"], tokenTypes: types, scores: scores, merges: [],
                model: "llama", preTokenizer: "default", bosID: nil, eosID: nil, chatTemplate: nil
            )
        }
    }

    @Test(arguments: [("gpt2", "tekken"), ("llama", "smollm"), ("bert", "default"), ("t5", "")])
    func `other GGUF vocabularies are refused by their names`(model: String, pre: String) {
        let error = #expect(throws: TokenizerError.self) {
            try TokenizerDefinition(
                ggufTokens: ["a"], tokenTypes: [1], scores: [0], merges: [], model: model,
                preTokenizer: pre, bosID: nil, eosID: nil, chatTemplate: nil
            )
        }
        let name = model == "gpt2" || model == "llama" ? pre : model
        #expect(error?.description.contains(" is \(name), but only") == true)
    }

    @Test(arguments: FamilyFixture.names)
    func `no change of a tokenizer file ends the process`(name: String) throws {
        let bytes = try FamilyFixture(name).tokenizerJSON
        var generator = SplitMix(state: UInt64(name.utf8.count))
        let pieces = [
            "{", "}", "[", "]", "\"", ",", ":", "0", "-1", "99999999", "null", "true", "\\u2581",
            " ", "\u{2581}", "\u{e9}", "Sequence", "Replace", "Strip",
        ].map { Array($0.utf8) }
        var madeCount = 0
        for _ in 0..<120 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                let start = Int.random(in: changed.indices, using: &generator)
                let end = min(start + Int.random(in: 0...3, using: &generator), changed.count)
                let piece = pieces.randomElement(using: &generator) ?? []
                changed.replaceSubrange(start..<end, with: piece)
            }
            guard
                let definition = try? TokenizerDefinition(
                    tokenizerJSON: changed, tokenizerConfigJSON: nil
                ), let tokenizer = try? Tokenizer(definition)
            else { continue }
            madeCount += 1
            let ids = tokenizer.encode("<s>The  caf\u{e9} \u{1F600}<|eot_id|>\n <left> word")
            #expect(ids.allSatisfy { $0 >= 0 && $0 < tokenizer.vocabularySize })
            _ = tokenizer.decode(ids + Array(0..<tokenizer.vocabularySize))
        }
        #expect(madeCount > 0)
    }
}
