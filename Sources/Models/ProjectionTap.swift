public import Kernels

/// What an adapter implements to change a model's projections by terms of low rank.
///
/// The model calls once per site, not per projection, so that an adapter can compute what the
/// site's projections share in one product. Calls come from one thread, in the order of the forward
/// pass and then, in training, in the reverse order. A layer whose activations are computed again
/// sees its forward calls twice.
public protocol ProjectionTap: AnyObject {
    /// The first layer, from 0, whose terms are trained; in those below, the tap takes part in the
    /// forward pass alone.
    ///
    /// The model keeps nothing of layers below it and its backward pass ends in it.
    var firstTrainedLayer: Int { get }

    /// Readies the tap for one pass whose products read a type.
    func begin(_ type: ComputeType)

    /// Whether any projection of the site is changed in this layer.
    func adapts(layer: Int, site: ProjectionSite) -> Bool

    /// The values per row that the tap keeps from forward to backward at this site.
    func stateWidth(layer: Int, site: ProjectionSite) -> Int

    /// Says what is added to the outputs of the site's projections.
    ///
    /// The terms' columns are those of the projections, side by side.
    ///
    /// - Parameters:
    ///   - input: Shape: [row, input channel].
    ///   - state: Shape: [row, `stateWidth`]; kept until the backward pass in training.
    func forward(
        layer: Int,
        site: ProjectionSite,
        input: Operand,
        state: Operand
    ) -> [LowRankTerm]

    /// Adds the gradients of the tap's parameters to its own buffer; not called below
    /// ``firstTrainedLayer``.
    ///
    /// - Parameters:
    ///   - outputGradient: Shape: [row, output channel].
    ///   - state: as `forward` left it.
    /// - Returns: What the gradient of the input takes from the tap.
    func backward(
        layer: Int,
        site: ProjectionSite,
        input: Operand,
        outputGradient: Operand,
        state: Operand
    ) -> [LowRankTerm]
}
