internal import JSONDocuments

/// The rotary settings of a `config.json`: `rope_parameters` of newer files, `rope_scaling` and
/// `rope_theta` of older ones.
struct RopeSettings {
    /// `nil` for plain rotation.
    let scaling: RopeScaling?
    let theta: Double

    /// Reads them.
    ///
    /// - Parameter positionCountMax: what `original_max_position_embeddings` is where it is absent.
    init(_ file: SettingsFile, positionCountMax: Int) throws(CheckpointError) {
        let outerTheta = try file.number("rope_theta")
        let outerPositionCount = try file.integer("original_max_position_embeddings")
        try file.require("partial_rotary_factor", is: .integer(1))
        var found: (scaling: RopeScaling?, theta: Double?)?
        for key in ["rope_scaling", "rope_parameters"] {
            guard let value = file[key], value != .object(JSONObject()) else { continue }
            guard let object = value.object else {
                throw file.wrongType(key, "an object", value)
            }
            let settings = SettingsFile(path: file.path, object: object, prefix: key + ".")
            let scaling = try Self.scaling(
                settings,
                originalPositionCount: outerPositionCount,
                positionCountMax: positionCountMax
            )
            let theta = try settings.number("rope_theta")
            if let found, found.scaling != scaling || found.theta ?? theta != theta ?? found.theta {
                throw file.unsupported(key, value, "the same as rope_scaling")
            }
            found = (scaling, theta ?? found?.theta)
        }
        scaling = found?.scaling
        theta = found?.theta ?? outerTheta ?? 10_000
    }

    private static func scaling(
        _ settings: SettingsFile,
        originalPositionCount: Int?,
        positionCountMax: Int
    ) throws(CheckpointError) -> RopeScaling? {
        try settings.require("partial_rotary_factor", is: .integer(1))
        for member in settings.object.members where member.value.object != nil {
            // One object per kind of layer.
            throw settings.unsupported(member.key, member.value, "one setting for all layers")
        }
        let typeKey = settings["rope_type"] == nil ? "type" : "rope_type"
        let type = try settings.string(typeKey)
        switch type {
        case nil:
            try settings.requireAbsent("factor")
            return nil
        case "default":
            return nil
        case "linear":
            return .linear(factor: try factor(settings, "factor"))
        case "llama3":
            let low = try factor(settings, "low_freq_factor", from: 0)
            let high = try factor(settings, "high_freq_factor", from: low)
            return .llama3(
                factor: try factor(settings, "factor"),
                lowFrequencyFactor: low,
                highFrequencyFactor: high,
                originalPositionCount: try originalCount(
                    settings,
                    originalPositionCount: originalPositionCount,
                    positionCountMax: positionCountMax
                )
            )
        case .some(let other):
            throw settings.unsupported(
                typeKey, .string(other), "\"default\", \"linear\" or \"llama3\"")
        }
    }

    /// - Parameter bound: what the number has to be above; `nil` if it may be 1, but not less.
    private static func factor(
        _ settings: SettingsFile,
        _ key: String,
        from bound: Float? = nil
    ) throws(CheckpointError) -> Float {
        let number = try settings.required(key, try settings.number(key))
        let value = Float(number)
        guard value <= RopeScaling.factorMax, bound.map({ value > $0 }) ?? (value >= 1) else {
            let lower = bound.map { "above \($0)" } ?? "at least 1"
            throw settings.outOfRange(
                key, "\(number)", "\(lower) and at most \(RopeScaling.factorMax)")
        }
        return value
    }

    private static func originalCount(
        _ settings: SettingsFile,
        originalPositionCount: Int?,
        positionCountMax: Int
    ) throws(CheckpointError) -> Int {
        let key = "original_max_position_embeddings"
        let inner = try settings.integer(key)
        // The outer key goes first, as in transformers.
        let count = originalPositionCount ?? inner ?? positionCountMax
        guard count >= 1, count <= ModelConfiguration.extentMax else {
            throw settings.outOfRange(key, "\(count)", "from 1 to \(ModelConfiguration.extentMax)")
        }
        return count
    }
}
