internal import JSONDocuments
internal import Testing

@testable internal import Checkpoints

/// Whatever values a `config.json` holds under the keys that are read: what comes out is a
/// configuration that a model can be made from, or an error of this target.
@Suite struct ConfigurationPropertyTests {
    private static let scalars: [JSONValue] = [
        .null, .bool(true), .bool(false), .integer(0), .integer(-1), .integer(1), .integer(2),
        .integer(5), .integer(32), .integer(64), .integer(4096), .integer(1 << 24),
        .integer(1 << 24 + 1), .integer(.max), .integer(.min), .number(0.5), .number(1e-300),
        .number(1e300), .number(-1e300), .number(2.5), .number(1_048_577), .string(""),
        .string("silu"), .string("linear"), .string("llama3"), .string("default"),
        .string("yarn"), .string("llama"), .string("qwen3"), .array([]),
        .array([.string("full_attention"), .string("full_attention")]),
        .array([.string("sliding_attention"), .string("sliding_attention")]),
        .array([.string("sliding_attention"), .string("full_attention")]),
        .array([.null, .integer(1)]), .object(JSONObject()),
    ]

    private static let factors: [JSONValue] = [
        .integer(1), .integer(2), .integer(8), .number(4.5), .number(1.5), .integer(16),
        .number(0.25), .integer(0), .integer(-1), .number(1e300),
    ]

    private static let extents = [
        "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "vocab_size",
    ]

    private static let keys =
        extents + [
            "num_key_value_heads", "head_dim", "max_position_embeddings", "rms_norm_eps",
            "rope_theta", "tie_word_embeddings", "sliding_window", "use_sliding_window",
            "max_window_layers", "layer_types", "attention_bias", "mlp_bias", "hidden_act",
            "quantization_config", "partial_rotary_factor", "rope_interleaved", "use_mrope",
            "original_max_position_embeddings", "architectures", "model_type", "rope_scaling",
            "rope_parameters",
        ]

    private static let ropeKeys = [
        "rope_type", "type", "factor", "low_freq_factor", "high_freq_factor", "rope_theta",
        "original_max_position_embeddings", "partial_rotary_factor", "full_attention",
    ]

    private func scalar(_ generator: inout SplitMix) -> JSONValue {
        Self.scalars.randomElement(using: &generator) ?? .null
    }

    private func rope(_ generator: inout SplitMix) -> JSONValue {
        var members: [JSONObject.Member] = []
        for key in Self.ropeKeys where Bool.random(using: &generator) {
            members.append(.init(key: key, value: scalar(&generator)))
        }
        guard Bool.random(using: &generator) else { return .object(JSONObject(members)) }
        // A type that is computed, so that its factors get read.
        let type = Bool.random(using: &generator) ? "linear" : "llama3"
        members = [.init(key: "rope_type", value: .string(type))]
        for key in Self.ropeKeys[2..<7] {
            let number = Self.factors.randomElement(using: &generator) ?? .null
            members.append(.init(key: key, value: number))
        }
        return .object(JSONObject(members))
    }

    private func document(_ generator: inout SplitMix) -> [UInt8] {
        let type = ModelType.all.randomElement(using: &generator)?.name ?? ""
        var members: [String: JSONValue] = [
            "model_type": .string(type), "hidden_size": .integer(64),
            "intermediate_size": .integer(96), "num_hidden_layers": .integer(2),
            "num_attention_heads": .integer(32), "vocab_size": .integer(100),
        ]
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            let key = Self.keys.randomElement(using: &generator) ?? ""
            let isRope = key.hasPrefix("rope_s") || key.hasPrefix("rope_p")
            members[key] =
                isRope && Bool.random(using: &generator) ? rope(&generator) : scalar(&generator)
        }
        if Int.random(in: 0..<3, using: &generator) == 0 {
            members["rope_scaling"] = rope(&generator)
        }
        let sorted = members.sorted { $0.key < $1.key }
        let object = JSONObject(sorted.map { .init(key: $0.key, value: $0.value) })
        return JSONValue.object(object).encoded()
    }

    private func check(_ configuration: ModelConfiguration, _ text: String) {
        let extents = [
            configuration.hiddenSize, configuration.intermediateSize,
            configuration.attentionHeadCount, configuration.keyValueHeadCount,
            configuration.headDimension, configuration.vocabularySize,
            configuration.positionCountMax, configuration.slidingWindow ?? 1,
        ]
        #expect(extents.allSatisfy { (1...1 << 24).contains($0) }, "\(text)")
        #expect((1...4096).contains(configuration.layerCount), "\(text)")
        #expect(configuration.attentionHeadCount % configuration.keyValueHeadCount == 0, "\(text)")
        #expect(configuration.headDimension % 2 == 0, "\(text)")
        #expect(configuration.ropeTheta.isFinite && configuration.ropeTheta >= 1, "\(text)")
        let epsilon = configuration.rmsNormEpsilon
        #expect(epsilon > 0 && epsilon < 1, "\(text)")
        let scaling = configuration.ropeScaling
        #expect(
            scaling?.isComputable(headDimension: configuration.headDimension) ?? true, "\(text)")
        let type = ModelType.all.first { $0.name == configuration.modelType }
        #expect(type?.hasAttentionBiases == configuration.hasAttentionBiases, "\(text)")
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `2000 drawn configurations are usable or refused`(seed: UInt64) {
        var generator = SplitMix(state: seed)
        var (readCount, refusedCount, scaledCount) = (0, 0, 0)
        for _ in 0..<2000 {
            let bytes = document(&generator)
            do throws(CheckpointError) {
                let configuration = try ModelConfiguration(configJSON: bytes)
                check(configuration, String(decoding: bytes, as: UTF8.self))
                readCount += 1
                if configuration.ropeScaling != nil { scaledCount += 1 }
            } catch {
                // Messages repeat values of the file, but not without bound.
                #expect(error.description.utf8.count < 500)
                refusedCount += 1
            }
        }
        // Neither way may be the only one taken.
        #expect(readCount > 200 && refusedCount > 200 && scaledCount > 10)
    }
}
