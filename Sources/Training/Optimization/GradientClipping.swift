/// Bounds the Euclidean norm of all gradients together.
public enum GradientClipping {
    /// The norm of a gradient, summed in Double in the order of the elements.
    ///
    /// - Complexity: O(n).
    public static func norm(_ gradients: Span<Float>) -> Double {
        var sum = 0.0
        for index in gradients.indices {
            let value = Double(gradients[index])
            sum += value * value
        }
        return sum.squareRoot()
    }

    /// Scales gradients whose norm exceeds `limit`, and returns the norm that they had.
    ///
    /// The factor is `limit / (norm + 1e-6)`, at most 1, as `torch.nn.utils.clip_grad_norm_` has it.
    ///
    /// - Complexity: O(n).
    @discardableResult
    public static func clip(_ gradients: inout MutableSpan<Float>, to limit: Double) -> Double {
        let norm = norm(gradients.span)
        let factor = Float(limit / (norm + 1e-6))
        guard factor < 1 else { return norm }
        for index in gradients.indices {
            gradients[index] *= factor
        }
        return norm
    }
}
