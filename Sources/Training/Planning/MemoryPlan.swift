internal import Kernels
public import Models

/// A way to train within some memory, and what it is predicted to take.
public struct MemoryPlan: Hashable, Sendable {
    /// What is trained, and how.
    public enum Method: Hashable, Sendable {
        /// LoRA on the last layers, of which there are so many, with a backward pass through them.
        case lora(layerCount: Int)
        /// A recurrent network behind the last layer.
        case read
        /// LoRA in all layers by forward passes alone.
        case mezo
        /// Nothing: the node takes part and serves others, and holds no model.
        case relay

        /// The word for programs.
        public var name: String {
            switch self {
            case .lora: "lora"
            case .read: "read"
            case .mezo: "mezo"
            case .relay: "relay"
            }
        }
    }

    /// What is trained.
    public var method: Method
    /// The trained directions of each pair; 0 where there are none.
    public var rank: Int
    /// The longest row in inputs; 0 where nothing is trained.
    public var sequenceLength: Int
    /// The rows that pass the model at once.
    public var microBatchSize: Int
    /// How the model computes and what it keeps.
    public var options: ModelOptions
    /// The predicted peak of the whole process.
    public var peak: PredictedPeak
    /// The predicted seconds of an optimizer step.
    public var secondsPerStep: Double

    /// Whether weights are read when they are needed and not kept.
    public var isStreamed: Bool { options.storage == .streamed }

    /// The optimizer that the method asks for.
    public var optimizer: OptimizerKind { method == .mezo ? .mezo : .adamW }
}
