/// The architecture of a language model and its extents, as `config.json` names them.
public struct ModelConfiguration: Hashable, Sendable {
    /// `model_type` of config.json or `general.architecture` of a GGUF file: `llama`,
    /// `mistral`, `qwen2` or `qwen3`.
    public var modelType: String
    /// `hidden_size`: channels of the residual stream.
    public var hiddenSize: Int
    /// `intermediate_size`: channels inside the MLP.
    public var intermediateSize: Int
    /// `num_hidden_layers`.
    public var layerCount: Int
    /// `num_attention_heads`: query heads.
    public var attentionHeadCount: Int
    /// `num_key_value_heads`; divides the query heads.
    public var keyValueHeadCount: Int
    /// `head_dim`; `hidden_size / num_attention_heads` where the file is silent.
    public var headDimension: Int
    /// `vocab_size`.
    public var vocabularySize: Int
    /// `max_position_embeddings`.
    public var positionCountMax: Int
    /// `rms_norm_eps`.
    public var rmsNormEpsilon: Float
    /// `rope_theta`.
    public var ropeTheta: Float
    /// `tie_word_embeddings`: the head is the embedding matrix.
    public var tiesWordEmbeddings: Bool
    /// `rope_scaling`: how positions beyond the trained ones turn; `nil` for plain rotation.
    public var ropeScaling: RopeScaling?
    /// `sliding_window`: a query sees this many positions at most, itself among them; `nil` for all.
    public var slidingWindow: Int?
    /// Whether queries, keys and values have biases.
    public var hasAttentionBiases: Bool
    /// Whether every head's queries and keys pass an RMS norm before they turn.
    public var normalizesQueriesAndKeys: Bool

    /// Makes a configuration from its fields; readers of files check them first.
    public init(
        modelType: String,
        hiddenSize: Int,
        intermediateSize: Int,
        layerCount: Int,
        attentionHeadCount: Int,
        keyValueHeadCount: Int,
        headDimension: Int,
        vocabularySize: Int,
        positionCountMax: Int,
        rmsNormEpsilon: Float,
        ropeTheta: Float,
        tiesWordEmbeddings: Bool,
        ropeScaling: RopeScaling? = nil,
        slidingWindow: Int? = nil,
        hasAttentionBiases: Bool = false,
        normalizesQueriesAndKeys: Bool = false
    ) {
        self.modelType = modelType
        self.hiddenSize = hiddenSize
        self.intermediateSize = intermediateSize
        self.layerCount = layerCount
        self.attentionHeadCount = attentionHeadCount
        self.keyValueHeadCount = keyValueHeadCount
        self.headDimension = headDimension
        self.vocabularySize = vocabularySize
        self.positionCountMax = positionCountMax
        self.rmsNormEpsilon = rmsNormEpsilon
        self.ropeTheta = ropeTheta
        self.tiesWordEmbeddings = tiesWordEmbeddings
        self.ropeScaling = ropeScaling
        self.slidingWindow = slidingWindow
        self.hasAttentionBiases = hasAttentionBiases
        self.normalizesQueriesAndKeys = normalizesQueriesAndKeys
    }
}
