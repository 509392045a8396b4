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

/// The element types of merged weights.
enum ExportType: String, CaseIterable, ExpressibleByArgument {
    /// Each tensor's own.
    case base
    /// Blocks of 32 values of 8 bits; for GGUF files alone.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q8_0
    /// 32 bits.
    case f32
    /// 16 bits, IEEE 754.
    case f16
    /// The upper 16 bits of 32.
    case bf16

    /// `nil` for each tensor's own.
    var elementType: ElementType? {
        switch self {
        case .base: nil
        case .q8_0: .q8_0
        case .f32: .float32
        case .f16: .float16
        case .bf16: .bfloat16
        }
    }
}
