internal import Tensors

/// The mean change of a pair's product, never multiplied out.
protocol ProductChange {
    /// Adds a factor times the change.
    func add(to sum: inout LowRankSum, factor: Double)
    /// Adds the pair's product B A and a factor times the change.
    func addWithBase(to sum: inout LowRankSum, factor: Double)
}

/// The step of a consensus of balanced pairs along the mean changes of their products, each cut back
/// to the wire rank; lone tensors go along their own means.
///
/// With g the mean change of a product and m the outer momentum: m' = beta m + g,
/// next = B A + eta (g + beta m').
struct ProductStep {
    let manifest: Manifest
    let layout: AdapterLayout
    let round: UInt64

    /// The next state's tensors, and the greatest share of a pair's squared singular values that
    /// was cut off; a pair without a change stays bit for bit.
    ///
    /// - Throws: as ``ConsensusState/init(_:layout:)`` for a base of another layout,
    ///   `updateNonFinite` for an outcome that is not finite.
    func next(
        _ base: NamedTensors, means: [[Double]?],
        change: (AdapterPairing.Pair, FactorPair) throws(RejectReason) -> (any ProductChange)?
    ) throws(RejectReason) -> (tensors: NamedTensors, droppedEnergy: Double) {
        let state = try ConsensusState(base, layout: layout)
        let outer = OuterStep(manifest.aggregation)
        let fresh = FreshDirections(seed: manifest.adapter.initializationSeed, round: round)
        let lone = try outer.next(state, means: means)
        var adapter = lone.adapter
        var momentum = lone.momentum
        var droppedEnergy = 0.0
        for pair in AdapterPairing(of: layout).pairs {
            let old = FactorPair(pair, in: state.adapter)
            guard let change = try change(pair, old) else { continue }
            let oldMomentum = state.momentum.map { FactorPair(pair, in: $0) }
            var sum = LowRankSum(rowCount: pair.outputSize, columnCount: pair.inputSize)
            change.addWithBase(to: &sum, factor: outer.learningRate * (1 + outer.momentum))
            if let oldMomentum {
                let factor = outer.learningRate * outer.momentum * outer.momentum
                sum.add(factor, oldMomentum.output, oldMomentum.input)
            }
            let kept = sum.truncated(to: pair.rank)
            droppedEnergy = max(droppedEnergy, kept.droppedEnergy)
            try write(fresh.restarting(kept, pair), pair, to: &adapter)
            guard outer.keepsMomentum, var next = momentum else { continue }
            var moved = LowRankSum(rowCount: pair.outputSize, columnCount: pair.inputSize)
            if let oldMomentum { moved.add(outer.momentum, oldMomentum.output, oldMomentum.input) }
            change.add(to: &moved, factor: 1)
            let keptMomentum = moved.truncated(to: pair.rank)
            var balanced = FactorPair(zerosOf: pair)
            balanced.output = keptMomentum.left
            balanced.input = keptMomentum.right
            try write(balanced, pair, to: &next)
            momentum = next
        }
        return (ConsensusState(adapter: adapter, momentum: momentum).tensors, droppedEnergy)
    }

    private func write(
        _ factors: FactorPair, _ pair: AdapterPairing.Pair, to tensors: inout NamedTensors
    ) throws(RejectReason) {
        let values = factors.tensorValues
        for (index, doubles) in [(pair.input, values.a), (pair.output, values.b)] {
            let entry = layout.entries[index]
            let floats = doubles.map { Float($0) }
            guard floats.allSatisfy(\.isFinite) else { throw .updateNonFinite }
            tensors.replace(entry.name, with: FloatTensor(shape: entry.shape, values: floats))
        }
    }
}
