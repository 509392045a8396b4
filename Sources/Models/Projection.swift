public import Checkpoints
public import Tensors

/// The linear maps of a decoder layer that adapters may change, by their Hugging Face names.
public enum Projection: String, Hashable, Sendable, CaseIterable {
    /// Queries, from the normed layer input.
    case query = "q_proj"
    /// Keys, from the normed layer input.
    case key = "k_proj"
    /// Values, from the normed layer input.
    case value = "v_proj"
    /// Attention's result, back into the residual stream.
    case output = "o_proj"
    /// The MLP's gate, from the normed middle of the layer.
    case gate = "gate_proj"
    /// The MLP's linear branch, from the normed middle of the layer.
    case up = "up_proj"
    /// The MLP's result, back into the residual stream.
    case down = "down_proj"

    /// The module path in layer `layer`, as in `model.layers.0.self_attn.q_proj`.
    public func modulePath(layer: Int) -> String {
        let parent =
            switch self {
            case .query, .key, .value, .output: "self_attn"
            case .gate, .up, .down: "mlp"
            }
        return "model.layers.\(layer).\(parent).\(rawValue)"
    }

    /// The input that this projection shares with others.
    public var site: ProjectionSite {
        switch self {
        case .query, .key, .value: .attentionInput
        case .output: .attentionOutput
        case .gate, .up: .mlpInput
        case .down: .mlpOutput
        }
    }

    /// The shape of the weight: [output, input].
    public func weightShape(in model: ModelConfiguration) -> Shape {
        let queries = model.attentionHeadCount * model.headDimension
        let keys = model.keyValueHeadCount * model.headDimension
        return switch self {
        case .query: Shape([queries, model.hiddenSize])
        case .key, .value: Shape([keys, model.hiddenSize])
        case .output: Shape([model.hiddenSize, queries])
        case .gate, .up: Shape([model.intermediateSize, model.hiddenSize])
        case .down: Shape([model.hiddenSize, model.intermediateSize])
        }
    }
}

/// A place in a layer where one input feeds one or more projections, in the order of the forward
/// pass.
///
/// The projections of a site are computed as one product, side by side in its output.
public enum ProjectionSite: Int, Hashable, Sendable, CaseIterable, Comparable {
    /// Query, key and value.
    case attentionInput
    /// The output projection.
    case attentionOutput
    /// Gate and up.
    case mlpInput
    /// The down projection.
    case mlpOutput

    /// The projections of the site, in the order of their columns in the site's output.
    public var projections: [Projection] {
        switch self {
        case .attentionInput: [.query, .key, .value]
        case .attentionOutput: [.output]
        case .mlpInput: [.gate, .up]
        case .mlpOutput: [.down]
        }
    }

    /// Earlier in the forward pass.
    public static func < (left: ProjectionSite, right: ProjectionSite) -> Bool {
        left.rawValue < right.rawValue
    }
}
