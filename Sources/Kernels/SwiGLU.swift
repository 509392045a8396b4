internal import CKernels

/// The gated unit of Llama's MLP: h = silu(gate) up, with silu(x) = x / (1 + exp(-x)).
///
/// Source: Shazeer 2020, "GLU Variants Improve Transformer", equation 6, without its biases.
public enum SwiGLU {
    /// Shape: [row, 2 x channel], gates before ups → [row, channel].
    ///
    /// - Complexity: O(rows x channels).
    public static func forward(gateUp: Operand, into h: Operand) {
        precondition(
            gateUp.extents == [h.rowCount, 2 * h.columnCount] && gateUp.type == h.type,
            "\(gateUp.extents) of \(gateUp.type) into \(h.extents) of \(h.type)"
        )
        ComputeThreads.split(rowCount: h.rowCount) { range in
            let (gateUp, h) = (gateUp.rows(range), h.rows(range))
            unsafe sk_swiglu_forward(
                gateUp.base, gateUp.stride, h.base, h.stride, h.rowCount, h.columnCount,
                h.isHalf
            )
        }
    }

    /// Writes the gradients of gates and ups; `gradient` may be `gateUp` itself, which saves a
    /// buffer.
    ///
    /// Shape: [row, 2 x channel], [row, channel] → [row, 2 x channel].
    ///
    /// - Complexity: O(rows x channels).
    public static func backward(
        gateUp: Operand,
        outputGradient gh: Matrix,
        into gradient: Operand
    ) {
        precondition(
            gateUp.extents == [gh.rowCount, 2 * gh.columnCount]
                && gradient.extents == gateUp.extents && gradient.type == gateUp.type,
            "\(gateUp.extents), \(gh.extents) into \(gradient.extents)"
        )
        ComputeThreads.split(rowCount: gh.rowCount) { range in
            let (gateUp, gh) = (gateUp.rows(range), gh.rows(range))
            let gradient = gradient.rows(range)
            unsafe sk_swiglu_backward(
                gateUp.base, gateUp.stride, gh.base, gh.stride, gradient.base, gradient.stride,
                gh.rowCount, gh.columnCount, gradient.isHalf
            )
        }
    }
}
