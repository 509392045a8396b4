internal import Tensors

/// The step from one consensus to the next along the mean update: m = beta m + g,
/// new = old + eta (g + beta m).
///
/// With eta 1 and beta 0 it is the mean. It is part of what the members certify, for every node
/// must take the same.
///
/// Source: Douillard et al. 2023, "DiLoCo", algorithm 1, with Nesterov's momentum as optimisers
/// write it.
struct OuterStep {
    let learningRate: Double
    let momentum: Double

    init(_ settings: Manifest.AggregationSettings) {
        learningRate = settings.outerLearningRate
        momentum = settings.outerMomentum
    }

    /// Whether a momentum goes from round to round.
    var keepsMomentum: Bool { momentum > 0 }

    /// The next state from the mean update of each tensor; a tensor without one stays as it is, its
    /// momentum too.
    ///
    /// - Throws: `updateNonFinite` for a value that is not finite.
    func next(
        _ state: ConsensusState, means: [[Double]?]
    ) throws(RejectReason) -> ConsensusState {
        var adapter = state.adapter.elements
        var momenta = (state.momentum ?? Self.zeros(like: state.adapter)).elements
        for (index, mean) in means.enumerated() {
            guard let mean else { continue }
            var values = adapter[index].tensor.values
            var moved = momenta[index].tensor.values
            for element in values.indices {
                var step = mean[element]
                if keepsMomentum {
                    let kept = momentum * Double(moved[element]) + step
                    moved[element] = Float(kept)
                    step += momentum * kept
                }
                // A rate of 1 multiplies nothing away.
                values[element] = Float(Double(values[element]) + learningRate * step)
                guard values[element].isFinite, moved[element].isFinite else {
                    throw .updateNonFinite
                }
            }
            adapter[index].tensor.values = values
            momenta[index].tensor.values = moved
        }
        return ConsensusState(
            adapter: NamedTensors(adapter),
            momentum: keepsMomentum ? NamedTensors(momenta) : nil)
    }

    static func zeros(like tensors: NamedTensors) -> NamedTensors {
        NamedTensors(
            tensors.elements.map {
                .init(name: $0.name, tensor: FloatTensor(zeros: $0.tensor.shape))
            })
    }
}
