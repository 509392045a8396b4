internal import Checkpoints
internal import Tensors

/// What a member of the Llama family has beside a plain Llama's parts.
///
/// The decoder's body follows the configuration alone; these are the combinations that a
/// `model_type` stands for, so that a configuration which contradicts its own type is refused.
struct DecoderTraits: Hashable, Sendable {
    /// Whether a part may be there.
    enum Presence: Hashable, Sendable {
        case never
        case optional
        case always

        func allows(_ isThere: Bool) -> Bool {
            switch self {
            case .never: !isThere
            case .optional: true
            case .always: isThere
            }
        }
    }

    /// Biases of queries, keys and values.
    var attentionBiases = Presence.never
    /// An RMS norm over each head's queries and keys.
    var queryKeyNorms = Presence.never
    /// A bound on how far back a position sees.
    var slidingWindow = Presence.never
    /// Frequencies that are not those of the base alone.
    var ropeScaling = Presence.optional

    /// Fails if a configuration has what its type never has or lacks what it always has.
    ///
    /// - Throws: `ModelError.unsupportedConfiguration`; the value is 1 for a part that is there
    ///   and 0 for one that is not, and the window itself.
    func check(_ configuration: ModelConfiguration) throws(ModelError) {
        let parts: [(field: String, presence: Presence, isThere: Bool)] = [
            ("attention_bias", attentionBiases, configuration.hasAttentionBiases),
            ("q_norm", queryKeyNorms, configuration.normalizesQueriesAndKeys),
            ("sliding_window", slidingWindow, configuration.slidingWindow != nil),
            ("rope_scaling", ropeScaling, configuration.ropeScaling != nil),
        ]
        for part in parts where !part.presence.allows(part.isThere) {
            throw .unsupportedConfiguration(field: part.field, value: part.isThere ? 1 : 0)
        }
        if let window = configuration.slidingWindow, window < 1 {
            throw .unsupportedConfiguration(field: "sliding_window", value: window)
        }
        if let scaling = configuration.ropeScaling,
            !scaling.isComputable(headDimension: configuration.headDimension)
        {
            throw .unsupportedConfiguration(field: "rope_scaling", value: 1)
        }
    }
}

/// The tensors of one layer's attention that a plain Llama doesn't have.
struct AttentionExtras {
    /// A tensor's name and shape.
    typealias Entry = (name: String, shape: Shape)

    /// Of queries, keys and values, in this order, one vector each; empty without biases.
    ///
    /// Their shapes are [H x D], [key/value heads x D] and again that.
    let biases: [Entry]
    /// The weight of the norm over the channels of every query head, [D]; `nil` without norms.
    let queryNorm: Entry?
    /// The weight of the norm over the channels of every key head, [D]; `nil` without norms.
    let keyNorm: Entry?

    /// Lists what a configuration asks for in a layer.
    init(_ configuration: ModelConfiguration, layer: Int) {
        biases =
            configuration.hasAttentionBiases
            ? ProjectionSite.attentionInput.projections.map { projection in
                (
                    projection.modulePath(layer: layer) + ".bias",
                    Shape([projection.weightShape(in: configuration).extents[0]])
                )
            } : []
        func norm(_ name: String) -> Entry? {
            guard configuration.normalizesQueriesAndKeys else { return nil }
            return (
                "model.layers.\(layer).self_attn.\(name).weight",
                Shape([configuration.headDimension])
            )
        }
        queryNorm = norm("q_norm")
        keyNorm = norm("k_norm")
    }

    /// All of them.
    var all: [Entry] { biases + [queryNorm, keyNorm].compactMap(\.self) }
}

/// A member of the family that is computed by the body of ``Llama``.
///
/// A conforming file states the `model_type` and the traits; everything else is the body's.
protocol LlamaRelative: LanguageModelArchitecture {
    /// What its configurations may ask for.
    static var traits: DecoderTraits { get }

    /// The decoder that follows the configuration.
    var body: Llama { get }

    /// Wraps a body.
    init(body: Llama)
}

extension LlamaRelative {
    static func check(_ configuration: ModelConfiguration) throws(ModelError) {
        try traits.check(configuration)
    }

    init(source: any TensorSource, options: ModelOptions) throws(ModelError) {
        self.init(body: try Llama(source: source, options: options))
    }

    var configuration: ModelConfiguration { body.configuration }

    func loss(_ batch: TokenBatch, tap: (any ProjectionTap)?) -> LossSum {
        body.loss(batch, tap: tap)
    }

    func accumulateGradients(
        _ batch: TokenBatch,
        normalizer: Double,
        tap: any ProjectionTap
    ) -> LossSum {
        body.accumulateGradients(batch, normalizer: normalizer, tap: tap)
    }

    func nextLogits(
        appending tokens: [Int32],
        to state: GenerationState,
        tap: (any ProjectionTap)?
    ) -> [Float] {
        body.nextLogits(appending: tokens, to: state, tap: tap)
    }

    func makeGenerationState(capacity: Int) -> GenerationState {
        body.makeGenerationState(capacity: capacity)
    }

    func memory(rowCount: Int, length: Int, tap: (any ProjectionTap)?) -> ModelMemory {
        body.memory(rowCount: rowCount, length: length, tap: tap)
    }

    func logits(_ batch: TokenBatch, tap: (any ProjectionTap)?) -> FloatTensor {
        body.logits(batch, tap: tap)
    }
}
