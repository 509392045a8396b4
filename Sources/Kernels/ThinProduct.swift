internal import CKernels

/// Products with a factor of few rows, as adapters have them.
///
/// Where the processor multiplies bfloat16 they have a kernel of their own, because a general
/// library packs its factors for reuse that thin ones don't have; elsewhere they are products like
/// any other.
public enum ThinProduct {
    /// c = scale x y^T.
    ///
    /// Shape: [m, k], [n, k] with small n → [m, n].
    ///
    /// - Complexity: O(m n k).
    public static func multiplyTransposed(
        _ x: Operand,
        _ y: Operand,
        into c: Matrix,
        scale: Float = 1
    ) {
        precondition(
            x.columnCount == y.columnCount && x.rowCount == c.rowCount
                && y.rowCount == c.columnCount,
            "\(x.extents) times \(y.extents) transposed into \(c.extents)"
        )
        guard case .bfloat16(let x) = x, case .bfloat16(let y) = y, isFast else {
            return MatrixProduct.multiplyTransposed(x, y, into: c, scale: scale)
        }
        run(x, y, into: c, scale: scale)
    }

    /// c = scale x y.
    ///
    /// Shape: [m, k], [k, n] with small n → [m, n].
    ///
    /// - Complexity: O(m n k).
    public static func multiply(
        _ x: Operand,
        _ y: Operand,
        into c: Matrix,
        scale: Float = 1
    ) {
        precondition(
            x.columnCount == y.rowCount && x.rowCount == c.rowCount
                && y.columnCount == c.columnCount,
            "\(x.extents) times \(y.extents) into \(c.extents)"
        )
        guard case .bfloat16(let x) = x, case .bfloat16(let y) = y, isFast else {
            return MatrixProduct.multiply(x, y, into: c, scale: scale)
        }
        let room = FloatBuffer.room(rows: y.columnCount, columns: y.rowCount, type: .bfloat16)
        guard
            case .bfloat16(let turned) = FloatBuffer(count: room)
                .take(rows: y.columnCount, columns: y.rowCount, type: .bfloat16)
        else { preconditionFailure("scratch of another type") }
        unsafe sk_transpose_bf16(
            y.base, y.stride, turned.base, turned.stride, y.rowCount, y.columnCount)
        run(x, turned, into: c, scale: scale)
    }

    /// c += a^T b for a b of few columns, by way of b^T a, which libraries compute faster.
    ///
    /// Shape: [k, m], [k, n] with small n → [m, n].
    ///
    /// - Parameter scratch: at least m x n values.
    /// - Complexity: O(m n k).
    public static func addTransposing(
        _ a: Operand,
        _ b: Operand,
        to c: Matrix,
        scratch: FloatBuffer
    ) {
        precondition(
            a.rowCount == b.rowCount && a.columnCount == c.rowCount
                && b.columnCount == c.columnCount,
            "\(a.extents) transposed times \(b.extents) into \(c.extents)"
        )
        let turned = scratch.matrix(at: 0, rows: c.columnCount, columns: c.rowCount)
        MatrixProduct.multiplyTransposing(b, a, into: turned)
        unsafe sk_add_transposed(
            turned.base, turned.stride, c.base, c.stride, turned.rowCount, turned.columnCount)
    }

    private static var isFast: Bool {
        #if arch(x86_64)
        sk_cpu_has_avx512_bf16() != 0
        #else
        false
        #endif
    }

    private static func run(
        _ x: BFloat16Matrix,
        _ y: BFloat16Matrix,
        into c: Matrix,
        scale: Float
    ) {
        ComputeThreads.split(rowCount: x.rowCount) { range in
            let (x, c) = (x.rows(range), c.rows(range))
            unsafe sk_thin_product(
                x.base, x.stride, y.base, y.stride, scale, c.base, c.stride, x.rowCount,
                y.rowCount, x.columnCount
            )
        }
    }
}
