internal import Foundation
internal import Testing

@testable internal import Checkpoints

/// What the model types beside Llama read, and their defaults, which are those of the
/// configuration classes of transformers 5.23.
@Suite struct ModelTypeTests {
    private static let extents = #"""
        "hidden_size": 4096, "intermediate_size": 64, "num_attention_heads": 32,
        "num_hidden_layers": 4, "vocab_size": 100
        """#

    private static func configuration(
        _ type: String,
        _ more: String = ""
    ) throws(CheckpointError) -> ModelConfiguration {
        let text = "{\"model_type\": \"\(type)\", \(extents)\(more.isEmpty ? "" : ", ")\(more)}"
        return try ModelConfiguration(configJSON: Array(text.utf8))
    }

    private func refusal(_ type: String, _ more: String) -> String? {
        do {
            _ = try Self.configuration(type, more)
            return nil
        } catch .unsupportedSetting(_, let key, _, _) {
            return key
        } catch .invalidKey(_, let key, _) {
            return "invalid \(key)"
        } catch {
            return "\(error)"
        }
    }

    @Test func `absent keys have the defaults of their type`() throws {
        let llama = try Self.configuration("llama")
        #expect(llama.keyValueHeadCount == 32 && llama.headDimension == 128)
        #expect(llama.positionCountMax == 2048 && llama.slidingWindow == nil)
        #expect(!llama.hasAttentionBiases && !llama.normalizesQueriesAndKeys)
        let mistral = try Self.configuration("mistral")
        #expect(mistral.keyValueHeadCount == 8 && mistral.headDimension == 128)
        #expect(mistral.positionCountMax == 131_072 && mistral.slidingWindow == 4096)
        #expect(!mistral.hasAttentionBiases && !mistral.normalizesQueriesAndKeys)
        let qwen2 = try Self.configuration("qwen2")
        #expect(qwen2.keyValueHeadCount == 32 && qwen2.headDimension == 128)
        #expect(qwen2.positionCountMax == 32_768 && qwen2.slidingWindow == nil)
        #expect(qwen2.hasAttentionBiases && !qwen2.normalizesQueriesAndKeys)
        let qwen3 = try Self.configuration("qwen3")
        #expect(qwen3.keyValueHeadCount == 32 && qwen3.headDimension == 128)
        #expect(qwen3.positionCountMax == 32_768 && qwen3.slidingWindow == nil)
        #expect(!qwen3.hasAttentionBiases && qwen3.normalizesQueriesAndKeys)
        for type in ModelType.all {
            let configuration = try Self.configuration(type.name)
            #expect(configuration.modelType == type.name)
            #expect(configuration.ropeTheta == 10_000 && configuration.ropeScaling == nil)
            #expect(configuration.rmsNormEpsilon == 1e-6 && !configuration.tiesWordEmbeddings)
        }
    }

    @Test func `null is as many key heads as query heads, and no window`() throws {
        for type in ModelType.all {
            let configuration = try Self.configuration(
                type.name, #""num_key_value_heads": null, "sliding_window": null"#)
            #expect(configuration.keyValueHeadCount == 32 && configuration.slidingWindow == nil)
        }
    }

    @Test func `a head's size may be anything even, whatever the width`() throws {
        for type in ModelType.all {
            #expect(try Self.configuration(type.name, #""head_dim": 6"#).headDimension == 6)
            #expect(refusal(type.name, #""head_dim": 7"#) == "invalid head_dim")
        }
    }

    @Test func `a window is read where it goes for all layers`() throws {
        func window(_ type: String, _ more: String) throws -> Int? {
            try Self.configuration(type, more).slidingWindow
        }
        let slides =
            #""layer_types": [\#([String](repeating: #""sliding_attention""#, count: 4).joined(separator: ","))]"#
        let full =
            #""layer_types": [\#([String](repeating: #""full_attention""#, count: 4).joined(separator: ","))]"#
        #expect(try window("mistral", #""sliding_window": 5"#) == 5)
        #expect(try window("mistral", #""sliding_window": 5, \#(slides)"#) == 5)
        #expect(try window("mistral", #""sliding_window": null, \#(full)"#) == nil)
        for type in ["qwen2", "qwen3"] {
            #expect(try window(type, #""sliding_window": 5"#) == nil)
            #expect(try window(type, #""sliding_window": 5, "use_sliding_window": false"#) == nil)
            let on = #""use_sliding_window": true, "#
            // 28 layers before the first with a window are more than there are.
            #expect(try window(type, on + #""sliding_window": 5"#) == nil)
            #expect(try window(type, on + #""max_window_layers": 4"#) == nil)
            #expect(try window(type, on + #""max_window_layers": 0"#) == 4096)
            #expect(try window(type, on + #""max_window_layers": 0, "sliding_window": 5"#) == 5)
            #expect(
                try window(type, on + #""max_window_layers": 0, "sliding_window": null"#) == nil)
            #expect(try window(type, on + #""sliding_window": 5, \#(slides)"#) == 5)
            #expect(try window(type, on + #""max_window_layers": 2, \#(full)"#) == nil)
            #expect(try window(type, full) == nil)
        }
    }

    @Test func `windows that differ between layers are refused by name`() {
        let mixed =
            #""layer_types": ["full_attention", "sliding_attention", "full_attention", "full_attention"]"#
        let slides =
            #""layer_types": [\#([String](repeating: #""sliding_attention""#, count: 4).joined(separator: ","))]"#
        let on = #""use_sliding_window": true, "#
        for type in ["qwen2", "qwen3"] {
            #expect(refusal(type, on + #""max_window_layers": 2"#) == "max_window_layers")
            #expect(refusal(type, on + mixed) == "layer_types")
            #expect(refusal(type, mixed) == "layer_types")
            #expect(refusal(type, slides) == "layer_types")
        }
        #expect(refusal("mistral", mixed) == "layer_types")
        #expect(refusal("mistral", slides.replacing("sliding", with: "full")) == "layer_types")
        #expect(refusal("llama", mixed) == "layer_types")
        #expect(refusal("llama", #""sliding_window": 4096"#) == "sliding_window")
        #expect(
            refusal("qwen3", slides.replacing("sliding", with: "chunked")) == "layer_types")
    }

    @Test func `windows and layer types that make no sense are refused by name`() {
        let on = #""use_sliding_window": true, "max_window_layers": 0, "#
        for window in ["0", "-1", "99999999999", "5.5", "\"5\"", "true"] {
            let more = #""sliding_window": \#(window)"#
            #expect(refusal("mistral", more) == "invalid sliding_window", "\(window)")
            #expect(refusal("qwen2", on + more) == "invalid sliding_window", "\(window)")
        }
        for types in [#"["full_attention"]"#, #""full_attention""#, "[1, 2, 3, 4]", "[]"] {
            #expect(refusal("qwen3", #""layer_types": \#(types)"#) == "invalid layer_types")
        }
        #expect(
            refusal("qwen2", #""use_sliding_window": 1"#) == "invalid use_sliding_window")
        #expect(
            refusal("qwen2", on.replacing("0", with: "null") + #""sliding_window": 1"#) == nil)
    }

    @Test func `biases other than the type's are refused by name`() throws {
        for type in ["llama", "mistral", "qwen3"] {
            #expect(refusal(type, #""attention_bias": true"#) == "attention_bias")
            #expect(refusal(type, #""attention_bias": false"#) == nil)
        }
        #expect(refusal("qwen2", #""attention_bias": false"#) == "attention_bias")
        #expect(refusal("qwen2", #""attention_bias": true"#) == nil)
        for type in ModelType.all {
            #expect(refusal(type.name, #""mlp_bias": true"#) == "mlp_bias")
            #expect(refusal(type.name, #""hidden_act": "gelu""#) == "hidden_act")
            #expect(
                refusal(type.name, #""quantization_config": {"quant_method": "awq"}"#)
                    == "quantization_config")
            #expect(
                refusal(type.name, #""architectures": ["\#(type.className)"]"#) == nil)
            #expect(
                refusal(type.name, #""architectures": ["OtherForCausalLM"]"#)
                    == "architectures")
            #expect(refusal(type.name, #""attention_dropout": 0.1, "dtype": "bfloat16""#) == nil)
        }
    }

    @Test(arguments: [
        ("llama3-scaled", "llama"), ("llama-linear", "llama"), ("mistral-window", "mistral"),
        ("qwen2-untied", "qwen2"), ("qwen2-tied-window", "qwen2"), ("qwen3", "qwen3"),
    ])
    func `what transformers wrote is read`(name: String, type: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/models/\(name)")
        let model = try ModelFiles.open(path: folder.path)
        let configuration = model.configuration
        #expect(configuration.modelType == type)
        #expect(configuration.hiddenSize == 32 && configuration.vocabularySize == 64)
        let tied = ["llama-linear", "qwen2-tied-window", "qwen3"]
        #expect(configuration.tiesWordEmbeddings == tied.contains(name))
        let windows = ["mistral-window": 5, "qwen2-tied-window": 7]
        #expect(configuration.slidingWindow == windows[name])
        let scalings: [String: RopeScaling] = [
            "llama-linear": .linear(factor: 4),
            "llama3-scaled": .llama3(
                factor: 4, lowFrequencyFactor: 1, highFrequencyFactor: 4,
                originalPositionCount: 32),
        ]
        #expect(configuration.ropeScaling == scalings[name])
        let hasBias = model.tensors.contains { $0.name.hasSuffix("q_proj.bias") }
        #expect(configuration.hasAttentionBiases == hasBias)
        let hasNorm = model.tensors.contains { $0.name.hasSuffix("q_norm.weight") }
        #expect(configuration.normalizesQueriesAndKeys == hasNorm)
    }
}
