/// How the elements of a stored tensor are encoded.
///
/// The quantised types hold their elements in blocks of 32, or of 256 for those with K in their
/// names, along the innermost extent. Offsets below are bytes of one block, scales and minima
/// binary16; "low halves first" means that byte i has element i in its low four bits and element
/// i + n/2 of the group of n in its high ones.
/// Source: ggml's block formats as listed in the GGUF specification.
public enum ElementType: String, Hashable, Sendable, CaseIterable {
    /// IEEE 754 binary32, little-endian.
    case float32 = "F32"
    /// IEEE 754 binary16, little-endian.
    case float16 = "F16"
    /// The upper half of a binary32, little-endian.
    case bfloat16 = "BF16"
    /// 32 elements: d at 0, 4-bit values at 2, low halves first; x = d (q - 8).
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q4_0 = "Q4_0"
    /// 32 elements: d at 0, m at 2, 4-bit values at 4, low halves first; x = d q + m.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q4_1 = "Q4_1"
    /// 32 elements: d at 0, the fifth bits at 2 (bit i of a 32-bit number is element i's), the
    /// lower four at 6, low halves first; x = d (q - 16).
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q5_0 = "Q5_0"
    /// 32 elements: d at 0, m at 2, fifth bits at 4 and the others at 8 as in Q5_0; x = d q + m.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q5_1 = "Q5_1"
    /// 32 elements: d at 0, signed bytes at 2; x = d q.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q8_0 = "Q8_0"
    /// 256 elements in 8 groups of 32: d at 0, e at 2, 12 bytes of 6-bit scales s and minima m at
    /// 4, 4-bit values at 16; x = d s q - e m.
    ///
    /// With b the 12 bytes, s of group j < 4 is b[j] & 63 and m is b[j + 4] & 63; for group j ≥ 4
    /// the low four bits of s and m are those of b[j + 4], low and high, and the upper two bits
    /// the upper two of b[j - 4] and b[j]. Each 32 bytes of values have two groups, low halves
    /// first.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q4_K = "Q4_K"
    /// As Q4_K with 5-bit values: 32 bytes at 16, of which bit j of byte i is the fifth bit of
    /// element i of group j, and the lower four bits at 48.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q5_K = "Q5_K"
    /// 256 elements in 16 groups of 16: lower four bits at 0, upper two at 128, signed 8-bit
    /// scales s at 192, d at 208; x = d s (q - 32).
    ///
    /// Each half of 128 elements has 64 bytes of low bits and 32 of high ones. Element 32 k + i
    /// of a half, k = 0…3, has its low bits in byte 32 (k mod 2) + i, low half for k < 2, and its
    /// upper two in bits 2k and 2k + 1 of byte i.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q6_K = "Q6_K"

    /// The number of elements that one block encodes.
    public var blockElementCount: Int {
        switch self {
        case .float32, .float16, .bfloat16: 1
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: 32
        case .q4_K, .q5_K, .q6_K: 256
        }
    }

    /// The bytes of one block.
    public var blockByteCount: Int {
        switch self {
        case .float32: 4
        case .float16, .bfloat16: 2
        case .q4_0: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q8_0: 34
        case .q4_K: 144
        case .q5_K: 176
        case .q6_K: 210
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
