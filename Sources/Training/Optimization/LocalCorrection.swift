/// What holds a member's training to that of the others: FedProx's pull and SCAFFOLD's control
/// variate.
///
/// The pull is part of the loss, mu / 2 ||p - start||^2, so g += mu (p - start) before the gradient
/// is clipped. The control variate c is a direction of steps, so p -= eta c beside the optimizer's
/// own step. Values are in the adapter's own order.
///
/// Source: Li et al. 2020, "Federated Optimization in Heterogeneous Networks" (FedProx), equation 2;
/// Karimireddy et al. 2020, "SCAFFOLD".
///
/// ### Deviations
/// The pull's anchor is the state after the last exchange, factor by factor, not the product.
/// SCAFFOLD corrects the gradient, which under plain steps is the same.
public struct LocalCorrection: Hashable, Sendable {
    /// FedProx's mu, 0 and more.
    public let proximalStrength: Double
    /// The parameters that the round started from; not read where the strength is 0.
    public let start: [Float]
    /// c; empty for none.
    public let direction: [Float]

    /// Collects the parts.
    public init(proximalStrength: Double, start: [Float], direction: [Float]) {
        self.proximalStrength = proximalStrength
        self.start = start
        self.direction = direction
    }

    /// Adds the pull to gradients at these parameters.
    ///
    /// - Complexity: O(n).
    func pull(_ gradients: inout MutableSpan<Float>, at parameters: Span<Float>) {
        guard proximalStrength > 0 else { return }
        precondition(
            start.count == gradients.count && parameters.count == gradients.count,
            "\(start.count) values, \(parameters.count) parameters, \(gradients.count) gradients"
        )
        let strength = Float(proximalStrength)
        for index in gradients.indices {
            gradients[index] += strength * (parameters[index] - start[index])
        }
    }

    /// Takes a plain step along the pull, where no gradient is made that it could be added to.
    ///
    /// - Complexity: O(n).
    func pull(_ parameters: inout MutableSpan<Float>, learningRate: Double) {
        guard proximalStrength > 0 else { return }
        precondition(
            start.count == parameters.count,
            "\(start.count) values for \(parameters.count) parameters"
        )
        // Never beyond the start.
        let share = Float(min(learningRate * proximalStrength, 1))
        for index in parameters.indices {
            parameters[index] -= share * (parameters[index] - start[index])
        }
    }

    /// Takes the step along the control variate.
    ///
    /// - Complexity: O(n).
    func turn(_ parameters: inout MutableSpan<Float>, learningRate: Double) {
        guard !direction.isEmpty else { return }
        precondition(
            direction.count == parameters.count,
            "\(direction.count) values for \(parameters.count) parameters"
        )
        let rate = Float(learningRate)
        for index in parameters.indices {
            parameters[index] -= rate * direction[index]
        }
    }
}
