internal import JSONDocuments

extension ModelConfiguration {
    /// Reads a `config.json`.
    ///
    /// Everything that would make the model compute something else than a plain Llama is refused
    /// by name: another `model_type` or activation, biases, scaled or interleaved rotary
    /// embedding, quantised weights. Keys that are absent have the defaults of `LlamaConfig`.
    ///
    /// - Parameter path: what errors call the file.
    /// - Throws: the key that is missing, malformed or unsupported.
    public init(
        configJSON: [UInt8],
        path: String = "config.json"
    ) throws(CheckpointError) {
        let file = try SettingsFile(path: path, bytes: configJSON)
        let modelType = try file.required("model_type", try file.string("model_type"))
        guard modelType == "llama" else {
            throw file.unsupported("model_type", .string(modelType), "\"llama\"")
        }
        try Self.refuseUnsupported(file)
        let rope = try Self.ropeParameters(file)
        let heads = try file.required(
            "num_attention_heads",
            try file.integer("num_attention_heads")
        )
        let hidden = try file.required("hidden_size", try file.integer("hidden_size"))
        let headDimension = try file.integer("head_dim")
        let outerTheta = try file.number("rope_theta")
        if headDimension == nil, heads < 1 || hidden % heads != 0 {
            throw .invalidKey(
                path: path,
                key: "num_attention_heads",
                problem: .outOfRange(
                    value: "\(heads)",
                    expected: "a divisor of hidden_size, \(hidden)"
                )
            )
        }
        self.init(
            modelType: modelType,
            hiddenSize: hidden,
            intermediateSize: try file.required(
                "intermediate_size",
                try file.integer("intermediate_size")
            ),
            layerCount: try file.required(
                "num_hidden_layers",
                try file.integer("num_hidden_layers")
            ),
            attentionHeadCount: heads,
            keyValueHeadCount: try file.integer("num_key_value_heads") ?? heads,
            headDimension: headDimension ?? hidden / heads,
            vocabularySize: try file.required("vocab_size", try file.integer("vocab_size")),
            positionCountMax: try file.integer("max_position_embeddings") ?? 2048,
            rmsNormEpsilon: Float(try file.number("rms_norm_eps") ?? 1e-6),
            ropeTheta: Float(try rope.number("rope_theta") ?? outerTheta ?? 10_000),
            tiesWordEmbeddings: try file.bool("tie_word_embeddings") ?? false
        )
        try check(path: path, names: Self.configKeys)
    }

    private static var configKeys: FieldNames {
        FieldNames(
            hiddenSize: "hidden_size",
            intermediateSize: "intermediate_size",
            layerCount: "num_hidden_layers",
            attentionHeadCount: "num_attention_heads",
            keyValueHeadCount: "num_key_value_heads",
            headDimension: "head_dim",
            vocabularySize: "vocab_size",
            positionCountMax: "max_position_embeddings",
            rmsNormEpsilon: "rms_norm_eps",
            ropeTheta: "rope_theta"
        )
    }

    private static func refuseUnsupported(_ file: SettingsFile) throws(CheckpointError) {
        try file.require("hidden_act", is: .string("silu"))
        try file.require("attention_bias", is: .bool(false))
        try file.require("mlp_bias", is: .bool(false))
        try file.require("rope_interleaved", is: .bool(false))
        try file.require("partial_rotary_factor", is: .integer(1))
        try file.requireAbsent("quantization_config")
        if let architectures = file["architectures"]?.array, !architectures.isEmpty,
            !architectures.contains(.string("LlamaForCausalLM"))
        {
            throw file.unsupported(
                "architectures",
                .array(architectures),
                "\"LlamaForCausalLM\""
            )
        }
    }

    /// The rotary settings: `rope_parameters` of newer files, `rope_scaling` of older ones.
    private static func ropeParameters(
        _ file: SettingsFile
    ) throws(CheckpointError) -> SettingsFile {
        var parameters = JSONObject()
        for key in ["rope_scaling", "rope_parameters"] {
            guard let value = file[key] else { continue }
            guard let object = value.object else {
                throw file.wrongType(key, "an object", value)
            }
            let settings = SettingsFile(path: file.path, object: object)
            for typeKey in ["rope_type", "type"] {
                guard let type = settings[typeKey], type != .string("default") else { continue }
                throw file.unsupported("\(key).\(typeKey)", type, "\"default\"")
            }
            let isSilent = settings["rope_type"] == nil && settings["type"] == nil
            if let factor = settings["factor"], isSilent {
                throw file.unsupported("\(key).factor", factor, "null")
            }
            try settings.require("partial_rotary_factor", is: .integer(1))
            parameters = object
        }
        return SettingsFile(path: file.path, object: parameters)
    }
}
