extension ModelConfiguration {
    /// Reads the configuration from the metadata of a model and from what its tensors say.
    init(
        _ metadata: GGUFMetadata,
        architecture: GGUFArchitecture,
        parts: GGUFParts
    ) throws(CheckpointError) {
        let keys = GGUFKeys(architecture: architecture)
        try Self.refuseUnsupported(metadata, keys)
        func optional(_ key: String) throws(CheckpointError) -> Int? {
            // Int64 is Int on every platform that this program runs on.
            try metadata.integer(key).map { Int($0) }
        }
        func required(_ key: String) throws(CheckpointError) -> Int {
            try metadata.required(key, try optional(key))
        }
        let heads = try required(keys.attentionHeadCount)
        let hidden = try required(keys.hiddenSize)
        let keyLength = try optional(keys.headDimension)
        let headDimension = keyLength ?? (heads > 0 ? hidden / heads : 0)
        if let vocabulary = try optional(keys.vocabularySize),
            vocabulary != parts.embeddingRowCount
        {
            throw metadata.error(
                keys.vocabularySize,
                .outOfRange(
                    value: "\(vocabulary)",
                    expected: "the \(parts.embeddingRowCount) rows of token_embd.weight"
                )
            )
        }
        // 0 is how some writers say that there is none.
        let window = try optional(keys.slidingWindow).flatMap { $0 == 0 ? nil : $0 }
        self.init(
            // A Llama with a window is what Hugging Face calls Mistral.
            modelType: architecture == .llama && window != nil ? "mistral" : architecture.rawValue,
            hiddenSize: hidden,
            intermediateSize: try required(keys.intermediateSize),
            layerCount: try required(keys.layerCount),
            attentionHeadCount: heads,
            keyValueHeadCount: try optional(keys.keyValueHeadCount) ?? heads,
            headDimension: headDimension,
            vocabularySize: parts.embeddingRowCount,
            positionCountMax: try required(keys.positionCountMax),
            rmsNormEpsilon: Float(
                try metadata.required(keys.rmsNormEpsilon, try metadata.float(keys.rmsNormEpsilon))
            ),
            ropeTheta: Float(try metadata.float(keys.ropeTheta) ?? 10_000),
            tiesWordEmbeddings: !parts.hasHead,
            ropeScaling: try Self.ropeScaling(
                metadata,
                keys,
                divisors: parts.ropeDivisors,
                headDimension: headDimension
            ),
            slidingWindow: window,
            // Qwen2 without its biases is refused where they are missed.
            hasAttentionBiases: parts.hasAttentionBiases || architecture == .qwen2,
            normalizesQueriesAndKeys: architecture.normalizesQueriesAndKeys
        )
        try check(path: metadata.path, names: keys.fieldNames)
        try checkDerived(metadata, keys, hasKeyLength: keyLength != nil)
    }

    /// The architecture that the file names.
    static func architecture(
        _ metadata: GGUFMetadata
    ) throws(CheckpointError) -> GGUFArchitecture {
        let key = "general.architecture"
        let name = try metadata.required(key, try metadata.string(key))
        guard let architecture = GGUFArchitecture(rawValue: name) else {
            throw .unsupportedSetting(
                path: metadata.path,
                key: key,
                value: name,
                supported: GGUFArchitecture.supportedNames
            )
        }
        return architecture
    }

    /// A factor without a type is linear, as where such files are run.
    private static func ropeScaling(
        _ metadata: GGUFMetadata,
        _ keys: GGUFKeys,
        divisors: [Float]?,
        headDimension: Int
    ) throws(CheckpointError) -> RopeScaling? {
        let type = try metadata.string(keys.ropeScalingType) ?? "linear"
        guard type == "linear" || type == "none" else {
            throw .unsupportedSetting(
                path: metadata.path,
                key: keys.ropeScalingType,
                value: type,
                supported: "none or linear"
            )
        }
        var factor: Float = 1
        for key in [keys.ropeLinearScale, keys.ropeScalingFactor] {
            guard let value = try metadata.float(key) else { continue }
            // 0 stands for an unset factor.
            guard value == 0 || (1...Double(RopeScaling.factorMax)).contains(value) else {
                throw metadata.error(
                    key,
                    .outOfRange(
                        value: "\(value)",
                        expected: "at least 1 and at most \(RopeScaling.factorMax)"
                    )
                )
            }
            if value != 0 { factor = Float(value) }
        }
        if type == "none" { factor = 1 }
        guard let divisors else { return factor == 1 ? nil : .linear(factor: factor) }
        let scaling = RopeScaling.divisors(divisors.map { $0 * factor })
        guard scaling.isComputable(headDimension: headDimension) else {
            throw .invalidTensor(
                path: metadata.path,
                tensor: GGUFParts.ropeDivisorsName,
                problem: divisors.count == headDimension / 2
                    ? .invalidEntry("a value is no divisor of a frequency")
                    : .shapeMismatch(actual: [divisors.count], expected: "[\(headDimension / 2)]")
            )
        }
        return scaling
    }

    /// The head's size has up to four sources, which must agree.
    private func checkDerived(
        _ metadata: GGUFMetadata,
        _ keys: GGUFKeys,
        hasKeyLength: Bool
    ) throws(CheckpointError) {
        if !hasKeyLength, hiddenSize % attentionHeadCount != 0 {
            throw metadata.error(
                keys.attentionHeadCount,
                .outOfRange(
                    value: "\(attentionHeadCount)",
                    expected: "a divisor of the \(hiddenSize) channels"
                )
            )
        }
        for key in [keys.valueDimension, keys.ropeDimension] {
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

    private static func refuseUnsupported(
        _ metadata: GGUFMetadata,
        _ keys: GGUFKeys
    ) throws(CheckpointError) {
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
        if let experts = try metadata.integer(keys.expertCount), experts != 0 {
            throw refuse(keys.expertCount, "\(experts)", "0")
        }
        if let isCausal = try metadata.bool(keys.isCausal), !isCausal {
            throw refuse(keys.isCausal, "false", "true")
        }
        for (key, neutral) in keys.multipliers {
            guard let value = try metadata.float(key), value != neutral else { continue }
            throw refuse(key, "\(value)", "\(neutral)")
        }
        if let splits = try metadata.integer("split.count"), splits > 1 {
            throw refuse("split.count", "\(splits)", "a model in one file")
        }
    }
}
