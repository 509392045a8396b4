public import Cryptography
public import Tensors

/// The weighted mean of whole adapter states, the arithmetic of a gossip round.
///
/// Under `spectral` the mean is one of products: the best pair of the wire's rank for
/// sum_j c_j B_j A_j, balanced, with dead directions begun again; lone tensors are averaged element
/// by element. Under `factor-mean` and `ffa` every tensor is averaged element by element; where all
/// hold the same A, as under `ffa`, that is the mean of products as well.
///
/// With self-centered clipping in the manifest the others' shares are cut first, so that each moves
/// the node's own state by its share of the radius at most.
///
/// Sums run over the members in ascending order of their keys, in Double, with one rounding to
/// Float at the end: equal orders and objects give equal bytes.
public struct StateMix: Sendable {
    /// One state and its share.
    public struct Part: Sendable {
        /// Whose it is.
        public let member: PublicKey
        /// Its share in the mean, 0...1.
        public let share: Double
        /// The state, of the mix's layout.
        public let state: StateSource
        /// Whether it is the state of the node that mixes.
        public let isOwn: Bool

        /// Collects the fields.
        public init(
            member: PublicKey, share: Double, state: StateSource, isOwn: Bool = false
        ) {
            self.member = member
            self.share = share
            self.state = state
            self.isOwn = isOwn
        }
    }

    private let manifest: Manifest
    let layout: AdapterLayout
    private let pairing: AdapterPairing

    /// Prepares means of states of that layout.
    public init(manifest: Manifest, layout: AdapterLayout) {
        self.manifest = manifest
        self.layout = layout
        pairing = AdapterPairing(of: layout)
    }

    /// The states with the shares that an order gives them, the own one first.
    ///
    /// - Throws: `updateShapeMismatch` if the own state has another layout, `updateNonFinite` for a
    ///   value in it that is not finite.
    public func parts(
        of order: MixOrder, own: NamedTensors, inputs: [StateView]
    ) throws(RejectReason) -> [Part] {
        precondition(
            inputs.count == order.inputs.count,
            "\(inputs.count) states for \(order.inputs.count) inputs")
        guard AdapterLayout(of: own) == layout else { throw .updateShapeMismatch }
        for element in own.elements {
            guard element.tensor.values.allSatisfy(\.isFinite) else { throw .updateNonFinite }
        }
        let shares = order.shares(halfLife: manifest.exchange.stalenessHalfLife)
        var parts = [
            Part(member: order.member, share: shares[0], state: .tensors(own), isOwn: true)
        ]
        for (index, input) in order.inputs.enumerated() {
            parts.append(
                Part(
                    member: input.member, share: shares[index + 1], state: .object(inputs[index])))
        }
        return parts
    }

    /// The mean of parts whose shares sum to 1, and what truncation dropped.
    ///
    /// - Throws: `updateNonFinite` for a value, or an outcome, that is not finite.
    /// - Complexity: for each pair O((output + input) s^2 + s^3) with s the parts times the rank;
    ///   the floats of one tensor of each part are in memory at a time.
    public func mean(
        of parts: [Part], round: UInt64
    ) throws(RejectReason) -> (state: NamedTensors, droppedEnergy: Double) {
        var parts = parts
        if let settings = manifest.aggregation.robustness {
            parts = try clipped(parts, by: settings)
        }
        let counted = parts.filter { $0.share > 0 }.sorted { $0.member < $1.member }
        precondition(!counted.isEmpty, "no state counts")
        var values = [[Float]](repeating: [], count: layout.entries.count)
        var droppedEnergy = 0.0
        let averagesProducts = manifest.aggregation.aggregator == SpectralMean.name
        // A lone state stays as it is, to the bit.
        let isLone = counted.count == 1
        for index in layout.entries.indices {
            if isLone {
                values[index] = try counted[0].state.values(of: index)
            } else if !averagesProducts || pairing.role(of: index) == nil {
                values[index] = try mean(ofTensor: index, counted)
            }
        }
        for pair in averagesProducts && !isLone ? pairing.pairs : [] {
            var sum = LowRankSum(rowCount: pair.outputSize, columnCount: pair.inputSize)
            for part in counted {
                let factors = try FactorPair(pair, in: part.state)
                sum.add(part.share, factors.output, factors.input)
            }
            let kept = sum.truncated(to: pair.rank)
            droppedEnergy = max(droppedEnergy, kept.droppedEnergy)
            let balanced = FreshDirections(
                seed: manifest.adapter.initializationSeed, round: round
            ).restarting(kept, pair)
            let (a, b) = balanced.tensorValues
            values[pair.input] = try Self.floats(a)
            values[pair.output] = try Self.floats(b)
        }
        let elements = zip(layout.entries, values).map { entry, values in
            NamedTensors.Element(
                name: entry.name, tensor: FloatTensor(shape: entry.shape, values: values))
        }
        return (NamedTensors(elements), droppedEnergy)
    }

    /// The mean of one tensor, element by element.
    private func mean(ofTensor index: Int, _ counted: [Part]) throws(RejectReason) -> [Float] {
        var mean = [Double](
            repeating: 0, count: layout.entries[index].shape.elementCount)
        for part in counted {
            let values = try part.state.values(of: index)
            for place in mean.indices { mean[place] += part.share * Double(values[place]) }
        }
        return try Self.floats(mean)
    }

    private static func floats(_ values: [Double]) throws(RejectReason) -> [Float] {
        let floats = values.map { Float($0) }
        guard floats.allSatisfy(\.isFinite) else { throw .updateNonFinite }
        return floats
    }
}
