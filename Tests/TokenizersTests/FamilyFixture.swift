internal import JSONDocuments
internal import Testing

@testable internal import Tokenizers

/// One of the small tokenizers of `family-*.json`.
struct FamilyFixture {
    static let names = ["llama3", "qwen", "llama2", "mistral", "stripping", "metaspace"]

    let object: JSONObject
    /// The tokenizer as `tokenizer.json` has it.
    let tokenizerJSON: [UInt8]

    init(_ name: String) throws {
        object = try #require(Fixture.json("family-\(name).json").object)
        tokenizerJSON = try #require(object["tokenizer"]).encoded()
    }

    func definition() throws -> TokenizerDefinition {
        try TokenizerDefinition(tokenizerJSON: tokenizerJSON, tokenizerConfigJSON: nil)
    }

    /// The fixture's texts: those that all fixtures have, and its own.
    func texts() throws -> [String] {
        let own = try #require(object["texts"]?.array).map { try #require($0.string) }
        return try Fixture.strings() + own
    }

    func ids() throws -> [[Int]] {
        try #require(object["ids"]?.array).map { try Fixture.ids($0) }
    }

    /// What a text's IDs decode to.
    func decoded(_ key: String, _ index: Int, _ text: String) -> String {
        object[key]?.object?["\(index)"]?.string ?? text
    }

    func scores() throws -> [Float] {
        try #require(object["scores"]?.array).map { Float(try #require($0.number)) }
    }

    func types() throws -> [Int32] {
        try Fixture.ids(object["types"]).map { Int32($0) }
    }
}
