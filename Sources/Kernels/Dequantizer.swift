internal import CKernels
public import Tensors

/// Stored elements to Float32.
public enum Dequantizer {
    /// Converts the bytes of a whole matrix; they need no alignment.
    ///
    /// The bytes must be as many as type and shape take, rows of quantised types whole blocks, and
    /// `target` without gaps between its rows.
    ///
    /// - Complexity: O(elements).
    public static func convert(
        _ bytes: UnsafeRawBufferPointer,
        elementType: ElementType,
        into target: Matrix
    ) {
        let expected = elementType.byteCount(of: Shape(target.extents))
        precondition(
            bytes.count == expected && target.stride == target.columnCount,
            "\(bytes.count) bytes of \(elementType) into \(target.extents)"
        )
        guard let start = unsafe bytes.bindMemory(to: UInt8.self).baseAddress else { return }
        let rowByteCount = target.rowCount == 0 ? 0 : bytes.count / target.rowCount
        ComputeThreads.split(rowCount: target.rowCount) { range in
            let rows = target.rows(range)
            unsafe convert(
                start + range.lowerBound * rowByteCount,
                elementType: elementType,
                into: rows.base,
                count: rows.rowCount * rows.columnCount
            )
        }
    }

    /// Whether no element is infinite or not a number.
    ///
    /// - Complexity: O(elements).
    public static func isFinite(_ matrix: Matrix) -> Bool {
        (0..<matrix.rowCount).allSatisfy { row in
            let row = matrix.rows(row..<row + 1)
            return unsafe sk_all_finite(row.base, row.columnCount) != 0
        }
    }

    /// Converts one row of whole blocks, on the calling thread.
    static func decode(
        _ source: UnsafePointer<UInt8>,
        elementType: ElementType,
        into row: Operand
    ) {
        switch row {
        case .float32(let row):
            unsafe convert(
                source, elementType: elementType, into: row.base, count: row.columnCount)
        case .bfloat16(let row):
            if let type = storedType(elementType),
                unsafe sk_decode_bf16(type, source, row.base, row.columnCount) != 0
            {
                return
            }
            unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: row.columnCount) {
                guard let wide = $0.baseAddress else { return }
                unsafe convert(
                    source, elementType: elementType, into: wide, count: row.columnCount)
                unsafe sk_to_bf16_rows(
                    wide, row.columnCount, row.base, row.stride, 1, row.columnCount)
            }
        }
    }

    /// The kernels' name of a quantised type.
    private static func storedType(_ type: ElementType) -> sk_stored_type? {
        switch type {
        case .float32, .float16, .bfloat16: nil
        case .q4_0: sk_stored_q4_0
        case .q4_1: sk_stored_q4_1
        case .q5_0: sk_stored_q5_0
        case .q5_1: sk_stored_q5_1
        case .q8_0: sk_stored_q8_0
        case .q4_K: sk_stored_q4_k
        case .q5_K: sk_stored_q5_k
        case .q6_K: sk_stored_q6_k
        }
    }

    private static func convert(
        _ source: UnsafePointer<UInt8>,
        elementType: ElementType,
        into target: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        switch elementType {
        case .float32: unsafe sk_dequantize_f32(source, target, count)
        case .float16: unsafe sk_dequantize_f16(source, target, count)
        case .bfloat16: unsafe sk_dequantize_bf16(source, target, count)
        case .q4_0: unsafe sk_dequantize_q4_0(source, target, count)
        case .q4_1: unsafe sk_dequantize_q4_1(source, target, count)
        case .q5_0: unsafe sk_dequantize_q5_0(source, target, count)
        case .q5_1: unsafe sk_dequantize_q5_1(source, target, count)
        case .q8_0: unsafe sk_dequantize_q8_0(source, target, count)
        case .q4_K: unsafe sk_dequantize_q4_k(source, target, count)
        case .q5_K: unsafe sk_dequantize_q5_k(source, target, count)
        case .q6_K: unsafe sk_dequantize_q6_k(source, target, count)
        }
    }
}
