public import Models

/// The settings of a low-rank adapter, as PEFT's `adapter_config.json` names them.
///
/// Source: Hu et al. 2021, section 4; the square-root scaling is Kalajdzievski 2023.
public struct LoRAConfiguration: Hashable, Sendable {
    /// `r`: the rank of every product.
    public var rank: Int
    /// `lora_alpha`.
    public var alpha: Double
    /// `target_modules`: the projections that are adapted.
    public var targets: [Projection]
    /// `use_rslora`: divide alpha by the square root of the rank, not by the rank.
    public var usesRSLoRA: Bool
    /// `layers_to_transform`: the layers, from 0, that are adapted, in ascending order; `nil` for all.
    public var layers: [Int]?

    /// Makes settings; targets are put in the order of ``Projection`` and layers in their own, each
    /// once.
    public init(
        rank: Int,
        alpha: Double,
        targets: [Projection] = Projection.allCases,
        usesRSLoRA: Bool = false,
        layers: [Int]? = nil
    ) {
        precondition(rank > 0, "rank \(rank)")
        self.rank = rank
        self.alpha = alpha
        self.targets = Projection.allCases.filter(targets.contains)
        self.usesRSLoRA = usesRSLoRA
        self.layers = layers.map { Set($0).sorted() }
    }

    /// Adapts the last `count` layers of a model of `layerCount`; `nil` where that is all of them.
    public static func lastLayers(_ count: Int, of layerCount: Int) -> [Int]? {
        count >= layerCount ? nil : Array(max(0, layerCount - count)..<layerCount)
    }

    /// Whether a layer is adapted.
    func adapts(layer: Int) -> Bool { layers?.contains(layer) ?? true }

    /// What the product B A is multiplied by.
    public var scale: Double {
        alpha / (usesRSLoRA ? Double(rank).squareRoot() : Double(rank))
    }
}
