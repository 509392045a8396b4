public import Checkpoints
internal import Models
public import Tensors

/// The names and shapes of an adapter's tensors, for whoever has to check them before anything is
/// allocated.
public enum AdapterShapes {
    /// Those of a ``LoRAAdapter``.
    ///
    /// - Complexity: O(layers).
    public static func lora(
        _ configuration: LoRAConfiguration, model: ModelConfiguration
    ) -> [String: Shape] {
        lora(configuration, model: model, layers: 0..<model.layerCount)
    }

    /// Those of a ``LoRAAdapter`` in some layers.
    public static func lora(
        _ configuration: LoRAConfiguration, model: ModelConfiguration, layers: Range<Int>
    ) -> [String: Shape] {
        var shapes: [String: Shape] = [:]
        for pair in LoRALayout(configuration: configuration, model: model).pairs
        where layers.contains(pair.layer) {
            shapes[LoRAAdapter.name(pair, "A")] = Shape([configuration.rank, pair.inputSize])
            shapes[LoRAAdapter.name(pair, "B")] = Shape([pair.outputSize, configuration.rank])
        }
        return shapes
    }

    /// Those of a ``READAdapter``.
    public static func read(
        _ configuration: READConfiguration, model: ModelConfiguration
    ) -> [String: Shape] {
        let layout = READLayout(configuration: configuration, hiddenSize: model.hiddenSize)
        return Dictionary(
            uniqueKeysWithValues: layout.places.map { ($0.part.rawValue, $0.shape) })
    }
}
