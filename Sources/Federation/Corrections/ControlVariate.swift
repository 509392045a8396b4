public import Tensors

/// SCAFFOLD without a server: what a member adds to the direction of its steps so that its own data
/// does not pull it from the others.
///
/// c starts at 0. After a round whose steps had the rates eta_k, with d the member's own update and
/// mean(d) the group's, c += (d - mean(d)) / sum eta_k, and every later step goes on by -eta_k c:
/// where a member went further than the others it is turned back by as much. The group's mean is the
/// certified adapter minus the round's start, so no further bytes travel. Only what the member
/// trained takes part. With equal weights, and where all train the same, the sum of all c stays 0.
///
/// Local to a member. One that loses it starts again at 0; the others' then no longer sum to 0, and
/// the fixed point moves by the lost part.
///
/// Source: Karimireddy et al. 2020, "SCAFFOLD"; the form is K-GT of Liu et al. 2023, "Decentralized
/// gradient tracking with local steps", reconstructed from its update rule.
///
/// ### Deviations
/// The rule is stated for plain gradient steps. Here c corrects the step and not the gradient, which
/// under plain steps is the same: d / sum eta_k is a mean direction of AdamW's steps, a thousand
/// times as long as a gradient. d is the update as it was sent, rounded, so that those of all members
/// add up to the mean. Where members train different directions of a pair, or steps are normalised,
/// or there is an outer momentum, the mean is that of the outcome and not of those who trained it.
public struct ControlVariate: Hashable, Sendable {
    /// What is added to the direction of a step, with the names and shapes of the adapter.
    public private(set) var correction: NamedTensors

    /// No correction.
    public init(layout: AdapterLayout) {
        self.init(correction: .zeros(of: layout))
    }

    init(correction: NamedTensors) {
        self.correction = correction
    }

    /// Takes in a round: the member's own update, and the group's mean of it.
    ///
    /// - Parameters:
    ///   - mean: names and shapes of the adapter.
    ///   - rateSum: the learning rates of the member's steps together; at 0 nothing changes.
    /// - Complexity: O(elements held).
    public mutating func advance(
        own update: AdapterUpdate, mean: NamedTensors, ring: Manifest.RingSettings,
        rateSum: Double
    ) {
        precondition(mean.hasSameLayout(as: correction), "a mean of another layout")
        guard rateSum > 0 else { return }
        let unit = Double(ring.weightUnit) / Double(1 << ring.fractionBitCount)
        for tensor in update.tensors {
            guard var corrected = correction[tensor.name], let means = mean[tensor.name],
                corrected.shape == tensor.shape
            else { preconditionFailure("an update of another layout: \(tensor.name)") }
            let weight = Double(tensor.weight)
            var values = corrected.values
            tensor.held.forEach { element, whole, _ in
                let own = Double(Int32(bitPattern: tensor.words[element])) / weight * unit
                let difference = own - Double(means.values[whole])
                values[whole] = Float(Double(values[whole]) + difference / rateSum)
            }
            corrected.values = values
            correction.replace(tensor.name, with: corrected)
        }
    }

    /// The correction in another basis of the same products.
    public func moved(by change: BasisChange) -> ControlVariate {
        ControlVariate(correction: change.moved(parameters: correction))
    }
}

extension NamedTensors {
    /// Zeros in the names and shapes of a layout.
    static func zeros(of layout: AdapterLayout) -> NamedTensors {
        NamedTensors(
            layout.entries.map { .init(name: $0.name, tensor: FloatTensor(zeros: $0.shape)) })
    }
}
