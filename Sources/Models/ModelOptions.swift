public import Kernels

/// How a model computes and what it keeps in memory.
public struct ModelOptions: Hashable, Sendable {
    /// What a training pass keeps of a layer for its backward pass, and what it computes again.
    public enum Recomputation: String, Hashable, Sendable, CaseIterable {
        /// Keeps everything but norm outputs and the gated product, which cost little.
        case none
        /// Computes gates and ups again: about half of what is kept, for a quarter more products.
        case mlp
        /// Keeps the residual stream alone and computes each layer again.
        case layer
    }

    /// How the weights lie in memory.
    public var storage: FrozenWeight.Storage
    /// The type of what products read.
    public var computeType: ComputeType
    /// What a training pass keeps.
    public var recomputation: Recomputation
    /// Rows whose logits exist at the same time, 4 bytes each per entry of the vocabulary; `nil` for
    /// as many as fit over the scratch of gradients, so that they take no memory of their own.
    public var logitsRowCount: Int?

    /// Makes options; those that are not given fit this machine.
    ///
    /// bfloat16 where the processor multiplies it faster than Float32, with weights of that type;
    /// Float32 elsewhere.
    public init(
        storage: FrozenWeight.Storage? = nil,
        computeType: ComputeType? = nil,
        recomputation: Recomputation = .none,
        logitsRowCount: Int? = nil
    ) {
        let computeType = computeType ?? KernelReport.preferredComputeType
        self.computeType = computeType
        self.storage = storage ?? (computeType == .bfloat16 ? .bfloat16 : .float32)
        self.recomputation = recomputation
        self.logitsRowCount = logitsRowCount
    }

    /// Float32 throughout, on every machine: what comparisons with other programs use.
    public static let exact = ModelOptions(storage: .float32, computeType: .float32)
}
