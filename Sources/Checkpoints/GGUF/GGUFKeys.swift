/// The metadata keys of an architecture.
struct GGUFKeys {
    let architecture: GGUFArchitecture

    /// A key with the architecture's prefix.
    private func key(_ name: String) -> String { "\(architecture.rawValue).\(name)" }

    var hiddenSize: String { key("embedding_length") }
    var intermediateSize: String { key("feed_forward_length") }
    var layerCount: String { key("block_count") }
    var attentionHeadCount: String { key("attention.head_count") }
    var keyValueHeadCount: String { key("attention.head_count_kv") }
    var headDimension: String { key("attention.key_length") }
    var valueDimension: String { key("attention.value_length") }
    var slidingWindow: String { key("attention.sliding_window") }
    var vocabularySize: String { key("vocab_size") }
    var positionCountMax: String { key("context_length") }
    var rmsNormEpsilon: String { key("attention.layer_norm_rms_epsilon") }
    var ropeTheta: String { key("rope.freq_base") }
    var ropeDimension: String { key("rope.dimension_count") }
    var ropeScalingType: String { key("rope.scaling.type") }
    var ropeScalingFactor: String { key("rope.scaling.factor") }
    /// What older files call the factor.
    var ropeLinearScale: String { key("rope.scale_linear") }
    var expertCount: String { key("expert_count") }
    var isCausal: String { key("attention.causal") }

    /// Keys of numbers that change the computation, with the value that changes nothing.
    var multipliers: [(key: String, neutral: Double)] {
        [
            (key("rope.scaling.attn_factor"), 1), (key("logit_scale"), 1),
            (key("residual_scale"), 1), (key("embedding_scale"), 1), (key("attention.scale"), 0),
            (key("attention.clamp_kqv"), 0), (key("attention.max_alibi_bias"), 0),
            (key("attn_logit_softcapping"), 0), (key("final_logit_softcapping"), 0),
        ]
    }

    var fieldNames: ModelConfiguration.FieldNames {
        .init(
            hiddenSize: hiddenSize,
            intermediateSize: intermediateSize,
            layerCount: layerCount,
            attentionHeadCount: attentionHeadCount,
            keyValueHeadCount: keyValueHeadCount,
            headDimension: headDimension,
            vocabularySize: "the row count of token_embd.weight",
            positionCountMax: positionCountMax,
            rmsNormEpsilon: rmsNormEpsilon,
            ropeTheta: ropeTheta,
            slidingWindow: slidingWindow
        )
    }
}
