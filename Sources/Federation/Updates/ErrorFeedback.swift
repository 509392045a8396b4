public import Tensors

/// What the wire's rounding kept back of a member's updates, to be sent with the next ones.
///
/// Local to a member; one that loses it loses a fraction of a quantisation step per element.
///
/// Source: Seide et al. 2014, "1-bit stochastic gradient descent", in the form of Karimireddy et
/// al. 2019, "Error feedback fixes SignSGD".
///
/// ### Deviations
/// What the clip and the norm bound cut off is not kept: it would come back for ever.
public struct ErrorFeedback: Hashable, Sendable {
    /// What is owed, with the names and shapes of the adapter.
    public internal(set) var residual: NamedTensors

    /// Nothing owed on an adapter of that layout.
    public init(layout: AdapterLayout) {
        self.init(residual: .zeros(of: layout))
    }

    init(residual: NamedTensors) {
        self.residual = residual
    }

    /// What is owed, in another basis of the same products.
    ///
    /// To be called when an aggregator that balances products has made the next adapter.
    public func moved(by change: BasisChange) -> ErrorFeedback {
        var moved = self
        moved.residual = change.moved(parameters: residual)
        return moved
    }
}
