/// How the elements of a stored tensor are encoded.
///
/// The quantised types hold their elements in blocks of 32 along the innermost extent.
/// Source: ggml's block formats as listed in the GGUF specification.
public enum ElementType: String, Hashable, Sendable, CaseIterable {
    /// IEEE 754 binary32, little-endian.
    case float32 = "F32"
    /// IEEE 754 binary16, little-endian.
    case float16 = "F16"
    /// The upper half of a binary32, little-endian.
    case bfloat16 = "BF16"
    /// 32 elements as one binary16 scale and 16 bytes of 4-bit values; x = d (q - 8).
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q4_0 = "Q4_0"
    /// 32 elements as a binary16 scale, a binary16 minimum and 16 bytes; x = d q + m.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q4_1 = "Q4_1"
    /// 32 elements as one binary16 scale and 32 signed bytes; x = d q.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q8_0 = "Q8_0"

    /// The number of elements that one block encodes.
    public var blockElementCount: Int {
        switch self {
        case .float32, .float16, .bfloat16: 1
        case .q4_0, .q4_1, .q8_0: 32
        }
    }

    /// The bytes of one block.
    public var blockByteCount: Int {
        switch self {
        case .float32: 4
        case .float16, .bfloat16: 2
        case .q4_0: 18
        case .q4_1: 20
        case .q8_0: 34
        }
    }

    /// The bytes that a tensor of this type and shape takes; `nil` if its innermost extent is not
    /// a whole number of blocks or the count overflows.
    public func byteCount(of shape: Shape) -> Int? {
        let innermost = shape.extents.last ?? 1
        guard innermost % blockElementCount == 0 else { return nil }
        let blocks = shape.elementCount / blockElementCount
        let (bytes, overflow) = blocks.multipliedReportingOverflow(by: blockByteCount)
        return overflow ? nil : bytes
    }
}
