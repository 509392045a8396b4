internal import JSONDocuments

extension ModelConfiguration {
    /// Reads a `config.json`.
    ///
    /// Every key that changes what `transformers` computes for the model type is read or refused
    /// by name: other types and activations, biases beyond those of queries, keys and values,
    /// rotations other than plain, `linear` and `llama3`, windows in some layers only, quantised
    /// weights. Keys that are absent have the defaults of the type's configuration class.
    ///
    /// - Parameter path: what errors call the file.
    /// - Throws: the key that is missing, malformed or unsupported.
    ///
    /// ### Deviations
    /// Extents have no defaults: no model of use leaves them out. A window in a Llama's file, which
    /// `transformers` ignores and others apply, is refused.
    public init(
        configJSON: [UInt8],
        path: String = "config.json"
    ) throws(CheckpointError) {
        let file = try SettingsFile(path: path, bytes: configJSON)
        let typeName = try file.required("model_type", try file.string("model_type"))
        guard let type = ModelType.all.first(where: { $0.name == typeName }) else {
            throw file.unsupported("model_type", .string(typeName), ModelType.supportedNames)
        }
        try Self.refuseUnsupported(file, type)
        let heads = try Self.extent(file, "num_attention_heads")
        let hidden = try Self.extent(file, "hidden_size")
        let layerCount = try Self.extent(file, "num_hidden_layers")
        let positionCountMax =
            try file.integer("max_position_embeddings") ?? type.positionCountMax
        let rope = try RopeSettings(file, positionCountMax: positionCountMax)
        let keyValueHeads = try file.integer("num_key_value_heads")
        self.init(
            modelType: typeName,
            hiddenSize: hidden,
            intermediateSize: try Self.extent(file, "intermediate_size"),
            layerCount: layerCount,
            attentionHeadCount: heads,
            keyValueHeadCount: keyValueHeads
                ?? (file.holdsNull("num_key_value_heads") ? nil : type.keyValueHeadCount) ?? heads,
            headDimension: try Self.headDimension(file, type, hidden: hidden, heads: heads),
            vocabularySize: try Self.extent(file, "vocab_size"),
            positionCountMax: positionCountMax,
            rmsNormEpsilon: Float(try file.number("rms_norm_eps") ?? 1e-6),
            ropeTheta: Float(rope.theta),
            tiesWordEmbeddings: try file.bool("tie_word_embeddings") ?? false,
            ropeScaling: rope.scaling,
            slidingWindow: try SlidingWindow.read(
                file,
                rule: type.windowRule,
                layerCount: layerCount
            ),
            hasAttentionBiases: type.hasAttentionBiases,
            normalizesQueriesAndKeys: type.normalizesQueriesAndKeys
        )
        try check(path: path, names: Self.configKeys)
    }

    static var configKeys: FieldNames {
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
            ropeTheta: "rope_theta",
            slidingWindow: "sliding_window"
        )
    }

    private static func extent(
        _ file: SettingsFile,
        _ key: String
    ) throws(CheckpointError) -> Int {
        try file.required(key, try file.integer(key))
    }

    private static func headDimension(
        _ file: SettingsFile,
        _ type: ModelType,
        hidden: Int,
        heads: Int
    ) throws(CheckpointError) -> Int {
        if let dimension = try file.integer("head_dim") ?? type.headDimension { return dimension }
        guard heads >= 1, hidden % heads == 0 else {
            throw file.outOfRange(
                "num_attention_heads", "\(heads)", "a divisor of hidden_size, \(hidden)")
        }
        return hidden / heads
    }

    private static func refuseUnsupported(
        _ file: SettingsFile,
        _ type: ModelType
    ) throws(CheckpointError) {
        try file.require("hidden_act", is: .string("silu"))
        // Where this is a choice, the output projection gets a bias too, which is not computed.
        try file.require("attention_bias", is: .bool(type.hasAttentionBiases))
        try file.require("mlp_bias", is: .bool(false))
        try file.require("rope_interleaved", is: .bool(false))
        try file.require("use_mrope", is: .bool(false))
        try file.requireAbsent("quantization_config")
        if let architectures = file["architectures"]?.array, !architectures.isEmpty,
            !architectures.contains(.string(type.className))
        {
            throw file.unsupported(
                "architectures",
                .array(architectures),
                "\"\(type.className)\""
            )
        }
    }
}
