extension ModelConfiguration {
    /// The greatest value of any extent; the widest models in use stay below 2^18, and products of
    /// two extents stay far from overflowing.
    static let extentMax = 1 << 24
    /// The greatest number of layers.
    static let layerCountMax = 1 << 12

    /// The names that a file gives to the fields, for messages.
    struct FieldNames {
        var hiddenSize: String
        var intermediateSize: String
        var layerCount: String
        var attentionHeadCount: String
        var keyValueHeadCount: String
        var headDimension: String
        var vocabularySize: String
        var positionCountMax: String
        var rmsNormEpsilon: String
        var ropeTheta: String
        var slidingWindow: String
    }

    /// Whether the extents are those of some model, and every angle a number.
    ///
    /// For configurations that come from elsewhere than a model's own files.
    public var isPlausible: Bool {
        do throws(CheckpointError) {
            try check(path: "", names: Self.configKeys)
        } catch {
            return false
        }
        return ropeScaling?.isComputable(headDimension: headDimension) ?? true
    }

    /// Fails if an extent is not positive, is huge, or doesn't fit the others.
    func check(path: String, names: FieldNames) throws(CheckpointError) {
        let extents = [
            (names.hiddenSize, hiddenSize), (names.intermediateSize, intermediateSize),
            (names.attentionHeadCount, attentionHeadCount),
            (names.keyValueHeadCount, keyValueHeadCount), (names.headDimension, headDimension),
            (names.vocabularySize, vocabularySize), (names.positionCountMax, positionCountMax),
        ]
        func fail(_ key: String, _ value: String, _ expected: String) -> CheckpointError {
            .invalidKey(
                path: path,
                key: key,
                problem: .outOfRange(value: value, expected: expected)
            )
        }
        for (key, extent) in extents where extent < 1 || extent > Self.extentMax {
            throw fail(key, "\(extent)", "from 1 to \(Self.extentMax)")
        }
        guard layerCount >= 1, layerCount <= Self.layerCountMax else {
            throw fail(names.layerCount, "\(layerCount)", "from 1 to \(Self.layerCountMax)")
        }
        guard attentionHeadCount % keyValueHeadCount == 0 else {
            throw fail(
                names.keyValueHeadCount,
                "\(keyValueHeadCount)",
                "a divisor of the \(attentionHeadCount) query heads"
            )
        }
        guard headDimension % 2 == 0 else {
            throw fail(names.headDimension, "\(headDimension)", "even")
        }
        guard rmsNormEpsilon.isFinite, rmsNormEpsilon > 0, rmsNormEpsilon < 1 else {
            throw fail(names.rmsNormEpsilon, "\(rmsNormEpsilon)", "between 0 and 1")
        }
        guard ropeTheta.isFinite, ropeTheta >= 1 else {
            throw fail(names.ropeTheta, "\(ropeTheta)", "finite and at least 1")
        }
        if let slidingWindow, slidingWindow < 1 || slidingWindow > Self.extentMax {
            throw fail(names.slidingWindow, "\(slidingWindow)", "from 1 to \(Self.extentMax)")
        }
    }
}
