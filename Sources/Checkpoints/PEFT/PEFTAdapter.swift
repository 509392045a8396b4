public import Tensors

/// A LoRA adapter as a PEFT folder holds it.
///
/// Source: the files that the `peft` library writes for `peft_type` `LORA`.
public struct PEFTAdapter: Hashable, Sendable {
    /// `r`: the rank of every pair.
    public var rank: Int
    /// `lora_alpha`.
    public var alpha: Double
    /// `use_rslora`: the scale is alpha / √r instead of alpha / r.
    public var usesRSLoRA: Bool
    /// `target_modules` in the order of the file.
    public var targetModules: [String]
    /// `layers_to_transform`: the layers, from 0, that are adapted, in the order of the file; `nil`
    /// for all.
    public var layers: [Int]?
    /// The tensors under the names of the file, as in
    /// `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`.
    public var tensors: NamedTensors
    /// `base_model_name_or_path`.
    public var baseModelName: String?

    /// Makes an adapter from its parts.
    public init(
        rank: Int,
        alpha: Double,
        usesRSLoRA: Bool,
        targetModules: [String],
        layers: [Int]? = nil,
        tensors: NamedTensors,
        baseModelName: String?
    ) {
        self.rank = rank
        self.alpha = alpha
        self.usesRSLoRA = usesRSLoRA
        self.targetModules = targetModules
        self.layers = layers
        self.tensors = tensors
        self.baseModelName = baseModelName
    }
}
