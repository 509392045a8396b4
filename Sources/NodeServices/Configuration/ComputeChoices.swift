internal import Kernels
public import Models

/// A setting that is one of a few words.
public protocol SettingChoice: RawRepresentable<String>, CaseIterable, Sendable {}

/// What products read: a type, or the faster one of the machine.
public enum ComputeChoice: String, SettingChoice {
    /// The faster type of this machine.
    case auto
    /// Float32.
    case f32
    /// bfloat16 with Float32 sums.
    case bf16
}

/// How the weights of the base model lie in memory.
public enum StorageChoice: String, SettingChoice {
    /// In the type of the products.
    case auto
    /// In Float32.
    case f32
    /// In bfloat16.
    case bf16
    /// As in the model's file: quantised weights stay quantised.
    case stored
    /// The same without a copy, in the memory map of the file or the store.
    case mapped
    /// The same, and memory is given back after every use: the least that there is.
    case streamed
}

/// What a training pass computes again to save memory.
public enum RecomputeChoice: String, SettingChoice {
    /// Nothing.
    case none
    /// Gates and ups.
    case mlp
    /// Everything but the residual stream.
    case layer
}

extension ModelOptions {
    /// What choices come to on this machine.
    public init(compute: ComputeChoice, base: StorageChoice, recompute: RecomputeChoice) {
        // `auto` is no type, so the machine decides.
        self.init(
            storage: FrozenWeight.Storage(rawValue: base.rawValue),
            computeType: ComputeType(rawValue: compute.rawValue),
            recomputation: Recomputation(rawValue: recompute.rawValue) ?? Recomputation.none
        )
    }
}
