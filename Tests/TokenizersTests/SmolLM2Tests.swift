internal import Checkpoints
internal import Foundation
internal import JSONDocuments
internal import Testing

@testable internal import Tokenizers

/// Where a real model lies.
enum TestModel {
    static let path = ProcessInfo.processInfo.environment["STARLING_TEST_MODEL"]
}

/// Checks with the vocabulary of a real model, which is too large to lie beside the tests.
///
/// They run where `STARLING_TEST_MODEL` is the path of SmolLM2-135M-Instruct.Q4_1.gguf.
@Suite(.enabled(if: TestModel.path != nil, "STARLING_TEST_MODEL is not set"))
struct SmolLM2Tests {
    private static func tokenizer() throws -> Tokenizer {
        let model = try ModelFiles.open(path: #require(TestModel.path))
        guard case .gguf(let vocabulary) = model.vocabulary else {
            throw TokenizerError.invalidField(item: "the model", expected: "a GGUF file")
        }
        return try Tokenizer(
            TokenizerDefinition(
                ggufTokens: vocabulary.tokens,
                tokenTypes: vocabulary.tokenTypes,
                scores: vocabulary.scores,
                merges: vocabulary.merges,
                model: vocabulary.model,
                preTokenizer: vocabulary.preTokenizer,
                bosID: vocabulary.bosID,
                eosID: vocabulary.eosID,
                unknownID: vocabulary.unknownID,
                addsBOS: vocabulary.addsBOS,
                addsEOS: vocabulary.addsEOS,
                addsSpacePrefix: vocabulary.addsSpacePrefix,
                chatTemplate: vocabulary.chatTemplate
            )
        )
    }

    @Test func `the model's own vocabulary gives the library's IDs`() throws {
        let tokenizer = try Self.tokenizer()
        #expect(tokenizer.vocabularySize == 49152)
        #expect(tokenizer.bosID == 1 && tokenizer.eosID == 2)
        #expect(
            tokenizer.encode("The capital of France is") == [504, 3575, 282, 4649, 314]
        )
        #expect(
            tokenizer.encode("To be, or not to be, that is the question:")
                == [2068, 325, 28, 355, 441, 288, 325, 28, 338, 314, 260, 1962, 42]
        )
        let expected = try #require(Fixture.json("smollm2-ids.json").array)
        #expect(expected.count == 200)
        for (text, ids) in zip(try Fixture.strings(), expected) {
            #expect(try tokenizer.encode(text) == Fixture.ids(ids), "\(text.debugDescription)")
        }
    }

    @Test func `the model's own chat template is recognised`() throws {
        let template = try Self.tokenizer().requiredChatTemplate()
        #expect(template.defaultSystemMessage?.hasPrefix("You are a helpful AI") == true)
    }
}
