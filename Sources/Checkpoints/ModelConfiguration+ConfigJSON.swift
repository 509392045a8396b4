internal import JSONDocuments

extension ModelConfiguration {
    /// The keys of `config.json` by which `transformers` builds the same model.
    func configMembers(path: String) throws(CheckpointError) -> [JSONObject.Member] {
        let classNames = [
            "llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM",
            "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM",
        ]
        guard let className = classNames[modelType] else {
            throw .unsupportedSetting(
                path: path, key: "model_type", value: modelType,
                supported: "llama, mistral, qwen2 or qwen3")
        }
        var members: [JSONObject.Member] = [
            .init(key: "architectures", value: .array([.string(className)])),
            .init(key: "model_type", value: .string(modelType)),
            .init(key: "hidden_act", value: .string("silu")),
            .init(key: "hidden_size", value: .integer(hiddenSize)),
            .init(key: "intermediate_size", value: .integer(intermediateSize)),
            .init(key: "num_hidden_layers", value: .integer(layerCount)),
            .init(key: "num_attention_heads", value: .integer(attentionHeadCount)),
            .init(key: "num_key_value_heads", value: .integer(keyValueHeadCount)),
            .init(key: "head_dim", value: .integer(headDimension)),
            .init(key: "vocab_size", value: .integer(vocabularySize)),
            .init(key: "max_position_embeddings", value: .integer(positionCountMax)),
            .init(key: "rms_norm_eps", value: Self.number(rmsNormEpsilon)),
            .init(key: "rope_theta", value: Self.number(ropeTheta)),
            .init(key: "tie_word_embeddings", value: .bool(tiesWordEmbeddings)),
            .init(key: "attention_bias", value: .bool(hasAttentionBiases)),
        ]
        let window: JSONValue = slidingWindow.map { .integer($0) } ?? .null
        if modelType != "llama" { members.append(.init(key: "sliding_window", value: window)) }
        if modelType.hasPrefix("qwen") {
            members.append(.init(key: "use_sliding_window", value: .bool(slidingWindow != nil)))
            // Layers before this one see everything.
            members.append(.init(key: "max_window_layers", value: .integer(0)))
        }
        if let scaling = try scalingMember(path: path) { members.append(scaling) }
        return members
    }

    private func scalingMember(path: String) throws(CheckpointError) -> JSONObject.Member? {
        let members: [JSONObject.Member]
        switch ropeScaling {
        case nil: return nil
        case .linear(let factor):
            members = [
                .init(key: "rope_type", value: .string("linear")),
                .init(key: "factor", value: Self.number(factor)),
            ]
        case .llama3(let factor, let low, let high, let originalPositionCount):
            members = [
                .init(key: "rope_type", value: .string("llama3")),
                .init(key: "factor", value: Self.number(factor)),
                .init(key: "low_freq_factor", value: Self.number(low)),
                .init(key: "high_freq_factor", value: Self.number(high)),
                .init(
                    key: "original_max_position_embeddings",
                    value: .integer(originalPositionCount)
                ),
            ]
        case .divisors:
            throw .unsupportedSetting(
                path: path, key: "rope_freqs.weight", value: "a list of divisors",
                supported: "a rotary scaling that config.json has a name for")
        }
        return .init(key: "rope_scaling", value: .object(JSONObject(members)))
    }

    /// The shortest decimal number that is this one in Float32.
    private static func number(_ value: Float) -> JSONValue {
        .number(Double("\(value)") ?? Double(value))
    }
}
