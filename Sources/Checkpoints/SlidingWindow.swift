internal import JSONDocuments

/// The window of a `config.json`, from up to four keys, which hold for all layers or for none.
enum SlidingWindow {
    private static let full = "full_attention"
    private static let sliding = "sliding_attention"
    /// What `sliding_window` and `max_window_layers` are where they are absent.
    private static let (defaultWindow, defaultFullLayerCount) = (4096, 28)

    /// The positions that a query sees at most, or `nil` for all.
    static func read(
        _ file: SettingsFile,
        rule: ModelType.WindowRule,
        layerCount: Int
    ) throws(CheckpointError) -> Int? {
        let window: Int?
        switch rule {
        case .none:
            try file.requireAbsent("sliding_window")
            try file.require("use_sliding_window", is: .bool(false))
            window = nil
        case .always:
            window = try value(file)
        case .switched:
            window = try file.bool("use_sliding_window") ?? false ? try value(file) : nil
        }
        let types = try layerTypes(file, layerCount: layerCount)
        if let types {
            guard window != nil || types.allSatisfy({ $0 == full }) else {
                throw unsupported(file, "\(full) in all layers without a window")
            }
            guard let first = types.first, types.allSatisfy({ $0 == first }) else {
                throw unsupported(file, "one type for all layers")
            }
            guard rule == .switched || window == nil || first == sliding else {
                throw unsupported(file, "\(sliding) in all layers with a window")
            }
            return first == sliding ? window : nil
        }
        guard rule == .switched, let window else { return window }
        let fullLayerCount = try file.integer("max_window_layers") ?? defaultFullLayerCount
        if fullLayerCount >= layerCount { return nil }
        guard fullLayerCount <= 0 else {
            throw file.unsupported(
                "max_window_layers",
                .integer(fullLayerCount),
                "0 or at least the \(layerCount) layers"
            )
        }
        return window
    }

    private static func value(_ file: SettingsFile) throws(CheckpointError) -> Int? {
        if file.holdsNull("sliding_window") { return nil }
        let window = try file.integer("sliding_window") ?? defaultWindow
        guard window >= 1, window <= ModelConfiguration.extentMax else {
            throw file.outOfRange(
                "sliding_window", "\(window)", "from 1 to \(ModelConfiguration.extentMax)")
        }
        return window
    }

    private static func layerTypes(
        _ file: SettingsFile,
        layerCount: Int
    ) throws(CheckpointError) -> [String]? {
        let key = "layer_types"
        guard let value = file[key] else { return nil }
        guard let array = value.array else {
            throw file.wrongType(key, "an array", value)
        }
        guard array.count == layerCount else {
            throw file.outOfRange(
                key, "an array of \(array.count)", "one of the \(layerCount) layers")
        }
        var types: [String] = []
        for element in array {
            guard let type = element.string else {
                throw file.wrongType(key, "an array of strings", element)
            }
            guard type == full || type == sliding else {
                throw file.unsupported(key, element, "\(full) or \(sliding)")
            }
            types.append(type)
        }
        return types
    }

    private static func unsupported(_ file: SettingsFile, _ supported: String) -> CheckpointError {
        file.unsupported("layer_types", file["layer_types"] ?? .null, supported)
    }
}
