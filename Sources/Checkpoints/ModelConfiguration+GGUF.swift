extension ModelConfiguration {
    /// Reads the configuration from the metadata of a Llama model.
    ///
    /// - Parameters:
    ///   - embeddingRowCount: the rows of `token_embd.weight`, which decide the vocabulary's size.
    ///   - hasHead: whether `output.weight` exists; without it the embeddings are the head.
    init(
        _ metadata: GGUFMetadata,
        embeddingRowCount: Int,
        hasHead: Bool
    ) throws(CheckpointError) {
        let architecture = try metadata.required(
            "general.architecture",
            try metadata.string("general.architecture")
        )
        guard architecture == "llama" else {
            throw .unsupportedSetting(
                path: metadata.path,
                key: "general.architecture",
                value: architecture,
                supported: "llama"
            )
        }
        try Self.refuseUnsupported(metadata)
        func required(_ key: String) throws(CheckpointError) -> Int {
            // Int64 is Int on every platform that this program runs on.
            Int(try metadata.required(key, try metadata.integer(key)))
        }
        let heads = try required(Keys.attentionHeadCount)
        let hidden = try required(Keys.hiddenSize)
        let keyLength = try metadata.integer(Keys.headDimension).map { Int($0) }
        if let vocabulary = try metadata.integer(Keys.vocabularySize),
            vocabulary != Int64(embeddingRowCount)
        {
            throw metadata.error(
                Keys.vocabularySize,
                .outOfRange(
                    value: "\(vocabulary)",
                    expected: "the \(embeddingRowCount) rows of token_embd.weight"
                )
            )
        }
        self.init(
            modelType: architecture,
            hiddenSize: hidden,
            intermediateSize: try required(Keys.intermediateSize),
            layerCount: try required(Keys.layerCount),
            attentionHeadCount: heads,
            keyValueHeadCount: try metadata.integer(Keys.keyValueHeadCount).map { Int($0) }
                ?? heads,
            headDimension: keyLength ?? (heads > 0 ? hidden / heads : 0),
            vocabularySize: embeddingRowCount,
            positionCountMax: try required(Keys.positionCountMax),
            rmsNormEpsilon: Float(
                try metadata.required(Keys.rmsNormEpsilon, try metadata.float(Keys.rmsNormEpsilon))
            ),
            ropeTheta: Float(try metadata.float(Keys.ropeTheta) ?? 10_000),
            tiesWordEmbeddings: !hasHead
        )
        try check(path: metadata.path, names: Keys.fieldNames)
        try checkDerived(metadata, hasKeyLength: keyLength != nil)
    }

    private enum Keys {
        static let hiddenSize = "llama.embedding_length"
        static let intermediateSize = "llama.feed_forward_length"
        static let layerCount = "llama.block_count"
        static let attentionHeadCount = "llama.attention.head_count"
        static let keyValueHeadCount = "llama.attention.head_count_kv"
        static let headDimension = "llama.attention.key_length"
        static let vocabularySize = "llama.vocab_size"
        static let positionCountMax = "llama.context_length"
        static let rmsNormEpsilon = "llama.attention.layer_norm_rms_epsilon"
        static let ropeTheta = "llama.rope.freq_base"

        static var fieldNames: FieldNames {
            FieldNames(
                hiddenSize: hiddenSize,
                intermediateSize: intermediateSize,
                layerCount: layerCount,
                attentionHeadCount: attentionHeadCount,
                keyValueHeadCount: keyValueHeadCount,
                headDimension: headDimension,
                vocabularySize: "the row count of token_embd.weight",
                positionCountMax: positionCountMax,
                rmsNormEpsilon: rmsNormEpsilon,
                ropeTheta: ropeTheta
            )
        }
    }

    /// The head's size has up to four sources, which must agree.
    private func checkDerived(
        _ metadata: GGUFMetadata,
        hasKeyLength: Bool
    ) throws(CheckpointError) {
        if !hasKeyLength, hiddenSize % attentionHeadCount != 0 {
            throw metadata.error(
                Keys.attentionHeadCount,
                .outOfRange(
                    value: "\(attentionHeadCount)",
                    expected: "a divisor of the \(hiddenSize) channels"
                )
            )
        }
        for key in ["llama.attention.value_length", "llama.rope.dimension_count"] {
            guard let value = try metadata.integer(key), value != Int64(headDimension) else {
                continue
            }
            throw .unsupportedSetting(
                path: metadata.path,
                key: key,
                value: "\(value)",
                supported: "the head's size, \(headDimension),"
            )
        }
    }

    private static func refuseUnsupported(_ metadata: GGUFMetadata) throws(CheckpointError) {
        func refuse(_ key: String, _ value: String, _ supported: String) -> CheckpointError {
            .unsupportedSetting(
                path: metadata.path,
                key: key,
                value: value,
                supported: supported
            )
        }
        if let type = try metadata.string("general.type"), type != "model" {
            throw refuse("general.type", type, "model")
        }
        if let scaling = try metadata.string("llama.rope.scaling.type"), scaling != "none" {
            throw refuse("llama.rope.scaling.type", scaling, "none")
        }
        for key in ["llama.rope.scaling.factor", "llama.rope.scale_linear"] {
            if let factor = try metadata.float(key), factor != 1 {
                throw refuse(key, "\(factor)", "1")
            }
        }
        if let experts = try metadata.integer("llama.expert_count"), experts != 0 {
            throw refuse("llama.expert_count", "\(experts)", "0")
        }
        if let splits = try metadata.integer("split.count"), splits > 1 {
            throw refuse("split.count", "\(splits)", "a model in one file")
        }
    }
}
