public import Models

/// The settings of a low-rank adapter, as PEFT's `adapter_config.json` names them.
///
/// Source: Hu et al. 2021, section 4; the square-root scaling is Kalajdzievski 2023.
public struct LoRAConfiguration: Hashable, Sendable {
    /// `r`: the rank of every product.
    public var rank: Int
    /// `lora_alpha`.
    public var alpha: Double
    /// `target_modules`: the projections that are adapted, in every layer.
    public var targets: [Projection]
    /// `use_rslora`: divide alpha by the square root of the rank, not by the rank.
    public var usesRSLoRA: Bool

    /// Makes settings; the targets are put in the order of ``Projection``, each once.
    public init(
        rank: Int,
        alpha: Double,
        targets: [Projection] = Projection.allCases,
        usesRSLoRA: Bool = false
    ) {
        precondition(rank > 0, "rank \(rank)")
        self.rank = rank
        self.alpha = alpha
        self.targets = Projection.allCases.filter(targets.contains)
        self.usesRSLoRA = usesRSLoRA
    }

    /// What the product B A is multiplied by.
    public var scale: Double {
        alpha / (usesRSLoRA ? Double(rank).squareRoot() : Double(rank))
    }
}
