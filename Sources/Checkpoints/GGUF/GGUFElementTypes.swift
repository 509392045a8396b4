internal import Tensors

/// The type codes of ggml.
///
/// Source: the type list of the GGUF specification.
enum GGUFElementTypes {
    /// The element type of a code, or `nil` if it is not read.
    static func elementType(of code: UInt32) -> ElementType? {
        ElementType.allCases.first { self.code(of: $0) == code }
    }

    /// The code of an element type.
    static func code(of elementType: ElementType) -> UInt32 {
        switch elementType {
        case .float32: 0
        case .float16: 1
        case .q4_0: 2
        case .q4_1: 3
        case .q5_0: 6
        case .q5_1: 7
        case .q8_0: 8
        case .q4_K: 12
        case .q5_K: 13
        case .q6_K: 14
        case .bfloat16: 30
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
