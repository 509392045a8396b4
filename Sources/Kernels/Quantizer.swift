internal import CKernels
public import Tensors

/// Float32 to stored elements, the inverse of ``Dequantizer``.
///
/// Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0 give the bytes of ggml's reference rounding, F16 and BF16 round
/// to nearest with ties to even. Q4_K, Q5_K and Q6_K search for the scales and minima with the
/// least squared error.
///
/// Values must be finite; one so large that a binary16 scale can't hold it decodes to an infinity.
public enum Quantizer {
    /// Encodes a whole matrix; the bytes are as many as type and extents take.
    ///
    /// Rows must be whole blocks; rows of `source` may have gaps between them.
    ///
    /// - Complexity: O(elements), about a hundred times a conversion for the types with K.
    public static func convert(_ source: Matrix, elementType: ElementType) -> [UInt8] {
        let shape = Shape(source.extents)
        guard let byteCount = elementType.byteCount(of: shape) else {
            preconditionFailure("rows of \(source.columnCount) in blocks of \(elementType)")
        }
        let rowByteCount = source.rowCount == 0 ? 0 : byteCount / source.rowCount
        return unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
            if let start = target.baseAddress {
                ComputeThreads.split(rowCount: source.rowCount) { range in
                    for row in range {
                        unsafe convert(
                            source.rows(row..<row + 1).base,
                            elementType: elementType,
                            into: start + row * rowByteCount,
                            count: source.columnCount
                        )
                    }
                }
            }
            count = byteCount
        }
    }

    private static func convert(
        _ source: UnsafePointer<Float>,
        elementType: ElementType,
        into target: UnsafeMutablePointer<UInt8>,
        count: Int
    ) {
        switch elementType {
        case .float32: unsafe sk_quantize_f32(source, target, count)
        case .float16: unsafe sk_quantize_f16(source, target, count)
        case .bfloat16: unsafe sk_quantize_bf16(source, target, count)
        case .q4_0: unsafe sk_quantize_q4_0(source, target, count)
        case .q4_1: unsafe sk_quantize_q4_1(source, target, count)
        case .q5_0: unsafe sk_quantize_q5_0(source, target, count)
        case .q5_1: unsafe sk_quantize_q5_1(source, target, count)
        case .q8_0: unsafe sk_quantize_q8_0(source, target, count)
        case .q4_K: unsafe sk_quantize_q4_k(source, target, count)
        case .q5_K: unsafe sk_quantize_q5_k(source, target, count)
        case .q6_K: unsafe sk_quantize_q6_k(source, target, count)
        }
    }
}
