internal import Tensors

/// The type codes of ggml.
///
/// Source: the type list of the GGUF specification.
enum GGUFElementTypes {
    /// The element type of a code, or `nil` if it is not read.
    static func elementType(of code: UInt32) -> ElementType? {
        switch code {
        case 0: .float32
        case 1: .float16
        case 2: .q4_0
        case 3: .q4_1
        case 6: .q5_0
        case 7: .q5_1
        case 8: .q8_0
        case 12: .q4_K
        case 13: .q5_K
        case 14: .q6_K
        case 30: .bfloat16
        default: nil
        }
    }

    /// What ggml calls a type, for messages.
    static func name(of code: UInt32) -> String {
        names[code] ?? "number \(code), which is unknown"
    }

    private static let names: [UInt32: String] = [
        9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS",
        18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS",
        24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 34: "TQ1_0",
        35: "TQ2_0", 39: "MXFP4",
    ]
}
