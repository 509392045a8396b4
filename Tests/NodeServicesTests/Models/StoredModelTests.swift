import Checkpoints
import Cryptography
import Foundation
import Kernels
import Models
import Storage
import Testing
import Tokenizers

@testable import NodeServices

/// A node's store against the files that a model came from.
@Suite struct StoredModelTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Fixtures")

    /// Stores a model, opens it as a node does, and removes the store.
    private func withStored(
        _ path: String,
        _ body: (any ModelCheckpoint, StoredModel, TokenizerDefinition) throws -> Void
    ) async throws {
        let files = FileManager.default
        let home = files.temporaryDirectory
            .appending(path: "starling-\(ProcessInfo.processInfo.globallyUniqueString)")
        let node = NodeHome(path: home.path)
        try node.create()
        defer { try? files.removeItem(at: home) }
        var model = Self.fixtures.appending(path: "models").appending(path: path)
        if !path.hasSuffix(".gguf") {
            // The folders' own tokenizers are empty.
            let copy = home.appending(path: "model")
            try files.copyItem(at: model, to: copy)
            model = copy
            let tokenizer = copy.appending(path: "tokenizer.json")
            try files.removeItem(at: tokenizer)
            try files.copyItem(
                at: Self.fixtures.appending(path: "tokenizer/trained-tokenizer.json"),
                to: tokenizer)
        }
        let store = try NodeStore(home: node, access: .readWrite)
        let library = ModelLibrary(store: store)
        let stored = try await library.open(library.importModel(path: model.path))
        let bytes = try await store.requiredObject(stored.record.tokenizerID)
        let tokenizer = try JSONDecoder().decode(
            TokenizerDefinition.self, from: Data(bytes))
        try body(ModelFiles.open(path: model.path), stored, tokenizer)
    }

    @Test(arguments: [
        "llama3-scaled", "llama-linear", "mistral-window", "qwen2-untied", "qwen2-tied-window",
        "qwen3", "gguf/llama3-scaled.gguf", "gguf/qwen2-untied.gguf", "gguf/qwen3.gguf",
    ])
    func `a stored model has all tensors and computes what its files do`(path: String) async throws
    {
        try await withStored(path) { files, stored, tokenizer in
            #expect(stored.configuration == files.configuration)
            let names = files.tensors.map(\.name)
            #expect(stored.tensors.map(\.name).sorted() == names.sorted())
            for name in names {
                let original = unsafe try files.withBytes(of: name) { unsafe [UInt8]($0) }
                let copy = unsafe try stored.withBytes(of: name) { unsafe [UInt8]($0) }
                #expect(copy == original, "\(name)")
            }
            let hasBiases = names.contains("model.layers.0.self_attn.q_proj.bias")
            let hasNorms = names.contains("model.layers.0.self_attn.k_norm.weight")
            #expect(hasBiases == path.contains("qwen2") && hasNorms == path.contains("qwen3"))
            #expect(tokenizer == (try TokenizerDefinition(vocabulary: files.vocabulary)))
            let inputs = (0..<24).map { Int32($0 * 7 % files.configuration.vocabularySize) }
            let batch = TokenBatch(
                sequenceCount: 1, length: inputs.count, inputs: inputs, targets: inputs)
            func loss(_ source: any TensorSource, _ storage: FrozenWeight.Storage) throws
                -> LossSum
            {
                try CausalLanguageModel(
                    source: source,
                    options: ModelOptions(storage: storage, computeType: .float32)
                ).loss(batch)
            }
            try ComputeThreads.with(count: 2) { () throws in
                for storage in FrozenWeight.Storage.allCases {
                    let expected = try loss(files, storage.isInPlace ? .encoded : storage)
                    #expect(try loss(stored, storage) == expected, "\(storage)")
                }
            }
        }
    }

    @Test func `a SentencePiece vocabulary of a GGUF file is carried with all that decides on it`()
        throws
    {
        func definition(
            addsBOS: Bool?, addsEOS: Bool, addsSpacePrefix: Bool, scores: [Float]
        ) throws -> TokenizerDefinition {
            try TokenizerDefinition(
                vocabulary: .gguf(
                    GGUFVocabulary(
                        model: "llama", preTokenizer: "default",
                        tokens: ["<unk>", "<s>", "</s>", "\u{2581}", "a", "b", "ab", "ba"],
                        tokenTypes: [2, 3, 3, 1, 1, 1, 1, 1], scores: scores, merges: [],
                        bosID: 1, eosID: 2, unknownID: 0, addsBOS: addsBOS, addsEOS: addsEOS,
                        addsSpacePrefix: addsSpacePrefix)))
        }
        let scores: [Float] = [0, 0, 0, -1, -2, -3, -4, -5]
        let usual = try definition(
            addsBOS: nil, addsEOS: false, addsSpacePrefix: true, scores: scores)
        #expect(usual.addsBOS && !usual.addsEOS && usual.unknownID == 0)
        let others = [
            try definition(addsBOS: false, addsEOS: false, addsSpacePrefix: true, scores: scores),
            try definition(addsBOS: nil, addsEOS: true, addsSpacePrefix: true, scores: scores),
            try definition(addsBOS: nil, addsEOS: false, addsSpacePrefix: false, scores: scores),
            try definition(
                addsBOS: nil, addsEOS: false, addsSpacePrefix: true,
                scores: [0, 0, 0, -1, -2, -3, -5, -4]),
        ]
        for definition in [usual] + others {
            let bytes = try JSONEncoder().encode(definition)
            #expect(
                try JSONDecoder().decode(TokenizerDefinition.self, from: bytes) == definition)
        }
        #expect(Set([usual] + others).count == 5)
    }
}
