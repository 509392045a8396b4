public import Tensors

/// What a member adds to the gradient of its own loss: FedProx's pull and a control variate.
///
/// gradient += mu (parameters - start) + c, which is the gradient of
/// loss + mu / 2 ||parameters - start||^2 + <c, parameters>.
///
/// Source: Li et al. 2020, "Federated Optimization in Heterogeneous Networks" (FedProx), equation 2.
///
/// ### Deviations
/// The anchor is the state after the last exchange, factor by factor, not the product.
public struct LocalCorrection: Sendable {
    private let proximalStrength: Double
    private let start: NamedTensors
    private let control: ControlVariate?

    /// A correction around the parameters that the round started from.
    public init(
        settings: Manifest.AggregationSettings, start: NamedTensors, control: ControlVariate? = nil
    ) {
        proximalStrength = settings.proximalStrength
        self.start = start
        self.control = settings.usesControlVariates ? control : nil
    }

    /// Whether it leaves every gradient as it is.
    public var isEmpty: Bool { proximalStrength == 0 && control == nil }

    /// Adds the correction to the gradients at these parameters.
    ///
    /// - Complexity: O(elements).
    public func apply(to gradients: inout NamedTensors, at parameters: NamedTensors) {
        precondition(
            gradients.hasSameLayout(as: start) && parameters.hasSameLayout(as: start),
            "tensors of another layout")
        guard !isEmpty else { return }
        let strength = Float(proximalStrength)
        var elements = gradients.elements
        for index in elements.indices {
            let at = parameters.elements[index].tensor.values
            let from = start.elements[index].tensor.values
            let added = control?.correction.elements[index].tensor.values
            var values = elements[index].tensor.values
            for element in values.indices {
                values[element] += strength * (at[element] - from[element])
                if let added { values[element] += added[element] }
            }
            elements[index].tensor.values = values
        }
        gradients = NamedTensors(elements)
    }
}
