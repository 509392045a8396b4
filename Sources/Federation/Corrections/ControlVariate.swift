public import Tensors

/// SCAFFOLD without a server: what a member adds to its gradients so that its own data does not
/// pull it from the others.
///
/// c starts at 0. After a round of K steps at a rate, with d the member's own update and mean(d)
/// the group's, c += (d - mean(d)) / (K rate): where a member went further than the others its
/// gradient is turned back by as much. The group's mean is the certified adapter minus the round's
/// start, so no further bytes travel. With equal weights the sum of all c stays 0.
///
/// Local to a member. One that loses it starts again at 0; the others' then no longer sum to 0, and
/// the fixed point moves by the lost part.
///
/// Source: Karimireddy et al. 2020, "SCAFFOLD"; the form is K-GT of Liu et al. 2023, "Decentralized
/// gradient tracking with local steps", reconstructed from its update rule.
///
/// ### Deviations
/// The rule is stated for plain gradient steps. Under AdamW d / (K rate) is a preconditioned
/// gradient, and the correction holds only as far as that is near to one.
public struct ControlVariate: Hashable, Sendable {
    /// What is added to the gradient, with the names and shapes of the adapter.
    public private(set) var correction: NamedTensors

    /// No correction.
    public init(layout: AdapterLayout) {
        correction = NamedTensors(
            layout.entries.map { .init(name: $0.name, tensor: FloatTensor(zeros: $0.shape)) })
    }

    /// Takes in a round: the member's own update, and the group's mean of it.
    ///
    /// For a member that trained no step of the round nothing changes.
    ///
    /// - Complexity: O(elements).
    public mutating func advance(
        own: NamedTensors, mean: NamedTensors, stepCount: Int, learningRate: Double
    ) {
        precondition(
            own.hasSameLayout(as: correction) && mean.hasSameLayout(as: correction),
            "updates of another layout")
        guard stepCount > 0, learningRate > 0 else { return }
        let scale = 1 / (Double(stepCount) * learningRate)
        var elements = correction.elements
        for index in elements.indices {
            let ownValues = own.elements[index].tensor.values
            let meanValues = mean.elements[index].tensor.values
            var values = elements[index].tensor.values
            for element in values.indices {
                let difference = Double(ownValues[element]) - Double(meanValues[element])
                values[element] = Float(Double(values[element]) + difference * scale)
            }
            elements[index].tensor.values = values
        }
        correction = NamedTensors(elements)
    }

    /// The correction in another basis of the same products.
    public func moved(by change: BasisChange) -> ControlVariate {
        var moved = self
        moved.correction = change.moved(gradients: correction)
        return moved
    }
}
