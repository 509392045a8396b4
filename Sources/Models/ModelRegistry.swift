public import Checkpoints
public import Tensors

/// What one architecture implements; see `Architectures/`.
///
/// Token ids, targets and lengths were checked by ``CausalLanguageModel``.
public protocol LanguageModelArchitecture: AnyObject, SendableMetatype {
    /// The `model_type` that it reads.
    static var modelType: String { get }

    /// Fails if a configuration contradicts its `model_type`; called before weights are read.
    static func check(_ configuration: ModelConfiguration) throws(ModelError)

    /// Reads all weights of a source.
    init(source: any TensorSource, options: ModelOptions) throws(ModelError)

    /// The extents.
    var configuration: ModelConfiguration { get }

    /// As `CausalLanguageModel` describes it.
    func loss(_ batch: TokenBatch, tap: (any ProjectionTap)?) -> LossSum

    /// As `CausalLanguageModel` describes it.
    func accumulateGradients(
        _ batch: TokenBatch,
        normalizer: Double,
        tap: any ProjectionTap
    ) -> LossSum

    /// As `CausalLanguageModel` describes it.
    func nextLogits(
        appending tokens: [Int32],
        to state: GenerationState,
        tap: (any ProjectionTap)?
    ) -> [Float]

    /// As `CausalLanguageModel` describes it.
    func makeGenerationState(capacity: Int) -> GenerationState

    /// As `CausalLanguageModel` describes it.
    func memory(rowCount: Int, length: Int, tap: (any ProjectionTap)?) -> ModelMemory

    /// As `CausalLanguageModel` describes it.
    func logits(_ batch: TokenBatch, tap: (any ProjectionTap)?) -> FloatTensor

    /// As `CausalLanguageModel` describes it.
    func loss(_ batch: TokenBatch, hiddenTap: any HiddenStateTap) -> LossSum

    /// As `CausalLanguageModel` describes it.
    func accumulateGradients(
        _ batch: TokenBatch,
        normalizer: Double,
        hiddenTap: any HiddenStateTap
    ) -> LossSum

    /// As `CausalLanguageModel` describes it.
    func nextLogits(
        appending tokens: [Int32],
        to state: GenerationState,
        hiddenTap: any HiddenStateTap
    ) -> [Float]

    /// As `CausalLanguageModel` describes it.
    func memory(rowCount: Int, length: Int, hiddenTap: any HiddenStateTap) -> ModelMemory

    /// As `CausalLanguageModel` describes it.
    func logits(_ batch: TokenBatch, hiddenTap: any HiddenStateTap) -> FloatTensor
}

/// The architectures by their `model_type`.
public struct ModelRegistry: Sendable {
    /// Every architecture of this package, one line each.
    public static let standard = ModelRegistry([
        Llama.self, Mistral.self, Qwen2.self, Qwen3.self,
    ])

    private let architectures: [String: any LanguageModelArchitecture.Type]

    /// Makes a table; a test passes its own.
    public init(_ architectures: [any LanguageModelArchitecture.Type]) {
        self.architectures = Dictionary(
            uniqueKeysWithValues: architectures.map { ($0.modelType, $0) }
        )
    }

    /// The `model_type`s in ascending order.
    public var modelTypes: [String] { architectures.keys.sorted() }

    func makeModel(
        from source: any TensorSource,
        options: ModelOptions
    ) throws(ModelError) -> any LanguageModelArchitecture {
        let modelType = source.configuration.modelType
        guard let architecture = architectures[modelType] else {
            throw .unknownArchitecture(modelType: modelType)
        }
        try architecture.check(source.configuration)
        return try architecture.init(source: source, options: options)
    }
}
