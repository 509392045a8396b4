internal import Testing

@testable internal import Checkpoints

@Suite struct ModelConfigurationTests {
    static let text = #"""
        {"architectures": ["LlamaForCausalLM"], "attention_bias": false, "hidden_act": "silu",
         "hidden_size": 576, "intermediate_size": 1536, "max_position_embeddings": 8192,
         "mlp_bias": false, "model_type": "llama", "num_attention_heads": 9,
         "num_hidden_layers": 30, "num_key_value_heads": 3, "rms_norm_eps": 1e-05,
         "rope_interleaved": false, "rope_scaling": null, "rope_theta": 100000,
         "tie_word_embeddings": true, "vocab_size": 49152}
        """#
    static let sample = Array(text.utf8)

    private static func configuration(_ text: String) throws(CheckpointError) -> ModelConfiguration
    {
        try ModelConfiguration(configJSON: Array(text.utf8))
    }

    @Test func `SmolLM2's configuration is read`() throws {
        let configuration = try Self.configuration(Self.text)
        #expect(
            configuration
                == ModelConfiguration(
                    modelType: "llama",
                    hiddenSize: 576,
                    intermediateSize: 1536,
                    layerCount: 30,
                    attentionHeadCount: 9,
                    keyValueHeadCount: 3,
                    headDimension: 64,
                    vocabularySize: 49152,
                    positionCountMax: 8192,
                    rmsNormEpsilon: 1e-5,
                    ropeTheta: 100_000,
                    tiesWordEmbeddings: true
                )
        )
    }

    @Test func `newer files keep the rotary base with the rotary settings`() throws {
        let newer = Self.text.replacing(
            #""rope_theta": 100000"#,
            with: #""rope_parameters": {"rope_theta": 500000.0, "rope_type": "default"}"#
        )
        #expect(try Self.configuration(newer).ropeTheta == 500_000)
    }

    @Test(arguments: [
        (#""model_type": "llama""#, #""model_type": "qwen3_moe""#, "model_type"),
        (#""model_type": "llama""#, #""model_type": "mixtral""#, "model_type"),
        (#""hidden_act": "silu""#, #""hidden_act": "gelu""#, "hidden_act"),
        (#""attention_bias": false"#, #""attention_bias": true"#, "attention_bias"),
        (#""mlp_bias": false"#, #""mlp_bias": true"#, "mlp_bias"),
        (#""rope_interleaved": false"#, #""rope_interleaved": true"#, "rope_interleaved"),
        (#""mlp_bias": false"#, #""use_mrope": true"#, "use_mrope"),
        (#""mlp_bias": false"#, #""partial_rotary_factor": 0.5"#, "partial_rotary_factor"),
        (#""mlp_bias": false"#, #""sliding_window": 4096"#, "sliding_window"),
        (#""mlp_bias": false"#, #""use_sliding_window": true"#, "use_sliding_window"),
        (
            #""rope_scaling": null"#, #""quantization_config": {"bits": 4}"#,
            "quantization_config"
        ),
        ("LlamaForCausalLM", "LlamaForSequenceClassification", "architectures"),
        ("LlamaForCausalLM", "MistralForCausalLM", "architectures"),
    ])
    func `what is not computed is refused by name`(old: String, new: String, key: String) {
        let error = #expect(throws: CheckpointError.self) {
            try Self.configuration(Self.text.replacing(old, with: new))
        }
        guard case .unsupportedSetting(_, let named, _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(named == key)
    }

    @Test(arguments: [
        ("576", "577", "num_attention_heads"), ("576", "0", "hidden_size"),
        ("576", "-576", "hidden_size"), ("576", "99999999999999999999", "hidden_size"),
        ("576", "576.5", "hidden_size"),
        (#""num_hidden_layers": 30"#, #""x": 1"#, "num_hidden_layers"),
        (#""num_hidden_layers": 30"#, #""num_hidden_layers": 5000"#, "num_hidden_layers"),
        (#""num_key_value_heads": 3"#, #""num_key_value_heads": 2"#, "num_key_value_heads"),
        (#""num_key_value_heads": 3"#, #""num_key_value_heads": 0"#, "num_key_value_heads"),
        (#""num_attention_heads": 9"#, #""num_attention_heads": 0"#, "num_attention_heads"),
        ("1e-05", "-1", "rms_norm_eps"), ("100000", "1e300", "rope_theta"),
        ("100000", "0", "rope_theta"),
        ("true", "\"yes\"", "tie_word_embeddings"), ("49152", "1e3", "vocab_size"),
        ("1536", "1536, \"head_dim\": 63", "head_dim"),
    ])
    func `what makes no sense is refused by name`(old: String, new: String, key: String) {
        let error = #expect(throws: CheckpointError.self) {
            try Self.configuration(Self.text.replacing(old, with: new))
        }
        guard case .invalidKey(_, let named, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(named == key)
    }

    @Test func `a key that occurs twice is refused`() {
        #expect(throws: CheckpointError.self) {
            try Self.configuration(Self.text.replacing(#""vocab_size""#, with: #""hidden_size""#))
        }
    }
}
