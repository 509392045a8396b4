internal import Adapters
internal import ArgumentParser
internal import Tensors

/// The kinds of result that an export can write.
enum ExportKind: String, CaseIterable, ExpressibleByArgument {
    /// A folder that Hugging Face PEFT loads.
    case peft
    /// A file that llama.cpp adds to the base model.
    case gguf
    /// A folder that `transformers` loads: the base model with the adapter in it.
    case mergedSafetensors = "merged-safetensors"
    /// A copy of the base's GGUF file with the adapter in it.
    case mergedGGUF = "merged-gguf"

    /// Whether the result holds the base model's weights.
    var isMerged: Bool { self == .mergedSafetensors || self == .mergedGGUF }
}

/// The element types of a merged folder.
enum ExportType: String, CaseIterable, ExpressibleByArgument {
    /// Each tensor's own.
    case base
    /// 32 bits.
    case f32
    /// 16 bits, IEEE 754.
    case f16
    /// The upper 16 bits of 32.
    case bf16

    var encoding: MergedTensorSource.Encoding {
        switch self {
        case .base: .original
        case .f32: .uniform(.float32)
        case .f16: .uniform(.float16)
        case .bf16: .uniform(.bfloat16)
        }
    }
}
