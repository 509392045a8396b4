public import Kernels

/// What an adapter implements to change a model's projections.
///
/// The model calls once per site, not per projection, so that an adapter can compute what the
/// site's projections share in one product. Calls come from one thread, in the order of the forward
/// pass and then, in training, in the reverse order.
public protocol ProjectionTap: AnyObject {
    /// Whether any projection of the site is changed in this layer.
    func adapts(layer: Int, site: ProjectionSite) -> Bool

    /// The values per row that the tap keeps from forward to backward at this site.
    func stateWidth(layer: Int, site: ProjectionSite) -> Int

    /// Adds to the outputs of the site's projections.
    ///
    /// - Parameters:
    ///   - input: Shape: [row, input channel].
    ///   - output: Shape: [row, output channel], the site's projections side by side; holds the
    ///     frozen weights' result.
    ///   - state: Shape: [row, `stateWidth`]; kept until the backward pass in training.
    func forward(layer: Int, site: ProjectionSite, input: Matrix, output: Matrix, state: Matrix)

    /// Adds the gradients of the tap's parameters to its own buffer, and the gradient through the
    /// tap to `inputGradient`.
    ///
    /// - Parameters:
    ///   - outputGradient: Shape: that of `output`.
    ///   - inputGradient: Shape: that of `input`; `nil` where nobody needs it.
    ///   - state: as `forward` left it; may be overwritten.
    func backward(
        layer: Int,
        site: ProjectionSite,
        input: Matrix,
        outputGradient: Matrix,
        inputGradient: Matrix?,
        state: Matrix
    )
}
