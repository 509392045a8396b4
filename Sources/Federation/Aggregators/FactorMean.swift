internal import Cryptography
public import Tensors

/// The mean of the low-rank factors, each on its own, weighted by examples.
///
/// Tolerates no liar beyond the norm bound: a member moves the mean by at most its share of the
/// weight times that bound. Claims: equal updates give that update; a lone member's update comes
/// back.
///
/// Sums are exact in the ring of 2^32. Per element, new = old + (s / sum of w) * (W * 2^-f) in
/// Double with one rounding to Float at the end. A direction that nobody holds stays as it is.
///
/// The product of means is not the mean of products; what is missing is
/// sum_j w_j (B_j - B)(A_j - A).
///
/// Source: Zhang et al., "Towards Building the Federated GPT: Federated Instruction Tuning"
/// (FedIT), averaging of LoRA factors.
///
/// ### Deviations
/// Each direction is weighted over those members that hold it, as PreLoRT does with nested ranks;
/// the source weights all alike and knows one rank. With `normalizesSteps` the sum is no longer
/// exact in the ring but in Double, member by member.
public struct FactorMean: LinearAggregator {
    /// The name in the registry.
    public static let name = "factor-mean"
    /// What the suite holds it to.
    public static let claims: AggregatorClaims = [
        .keepsEqualFactors, .keepsEqualProducts, .returnsLoneMember, .weighsExamples,
    ]

    private struct Sum {
        let entry: AdapterLayout.Entry
        /// One for each direction, or one for a tensor without.
        var weights: [UInt64]
        var words: [UInt32]
    }

    private let manifest: Manifest
    private let layout: AdapterLayout
    private var sums: [Sum]
    private var held: HeldUpdates
    private let pairing: AdapterPairing

    /// Only for normalised steps, whose mean is known when all are there.
    public static func holdsUpdates(under settings: Manifest.AggregationSettings) -> Bool {
        settings.normalizesSteps
    }

    /// Starts with sums of zero.
    public init(manifest: Manifest, layout: AdapterLayout) {
        self.manifest = manifest
        self.layout = layout
        let pairing = AdapterPairing(of: layout)
        self.pairing = pairing
        held = HeldUpdates(manifest: manifest, layout: layout)
        sums = layout.entries.enumerated().map { index, entry in
            Sum(
                entry: entry,
                weights: [UInt64](repeating: 0, count: pairing.role(of: index)?.pair.rank ?? 1),
                words: [UInt32](repeating: 0, count: entry.shape.elementCount))
        }
    }

    /// Adds an update's words modulo 2^32 and its weights.
    ///
    /// - Complexity: O(elements).
    public mutating func add(_ update: AdapterUpdate) throws(RejectReason) {
        guard !Self.holdsUpdates(under: manifest.aggregation) else { return try held.add(update) }
        try UpdateInspector.check(update, manifest: manifest, layout: layout)
        var index = 0
        for tensor in update.tensors {
            // Both lists ascend by name, and the inspector found every name in the layout.
            while sums[index].entry.name != tensor.name { index += 1 }
            let directions = tensor.directions ?? Array(sums[index].weights.indices)
            for direction in directions {
                sums[index].weights[direction] += UInt64(tensor.weight)
            }
            var words = sums[index].words
            sums[index].words = []
            tensor.held.forEach { element, whole, _ in words[whole] &+= tensor.words[element] }
            sums[index].words = words
        }
    }

    /// Adds sums modulo 2^32 and their weights.
    ///
    /// - Complexity: O(elements).
    public mutating func add(sums others: RingSums) {
        for other in others.tensors {
            for (direction, weight) in other.weights.enumerated() {
                sums[other.index].weights[direction] += weight
            }
            for (element, word) in other.words.enumerated() {
                sums[other.index].words[element] &+= word
            }
        }
    }

    /// Divides by the weights, adds to the base and takes the outer step.
    ///
    /// - Complexity: O(elements).
    public func finish(base: NamedTensors) throws(RejectReason) -> Aggregate {
        let state = try ConsensusState(base, layout: layout)
        let normalizes = manifest.aggregation.normalizesSteps
        let means = layout.entries.indices.map { normalizes ? scaledMean(of: $0) : mean(of: $0) }
        let next = try OuterStep(manifest.aggregation).next(state, means: means)
        return Aggregate(
            sumDigest: normalizes ? held.digest : sumDigest,
            adapter: next.tensors)
    }

    private func mean(of index: Int) -> [Double]? {
        let sum = sums[index]
        guard sum.weights.contains(where: { $0 > 0 }) else { return nil }
        // A power of two, so that the product with it is exact.
        let unit =
            Double(manifest.ring.weightUnit) / Double(1 << manifest.ring.fractionBitCount)
        var mean = [Double](repeating: 0, count: sum.words.count)
        whole(index).forEach { _, element, direction in
            guard sum.weights[direction] > 0 else { return }
            mean[element] =
                (Double(Int32(bitPattern: sum.words[element])) / Double(sum.weights[direction]))
                * unit
        }
        return mean
    }

    /// The mean of deltas that are each scaled by their member's steps.
    private func scaledMean(of index: Int) -> [Double]? {
        let parts = held.contributions(to: [layout.entries[index].name]).compactMap { $0?[0] }
        guard !parts.isEmpty else { return nil }
        let whole = whole(index)
        var shares = [Double](repeating: 0, count: whole.heldCount)
        var mean = [Double](repeating: 0, count: whole.elementCount)
        for part in parts {
            for direction in part.held.directions ?? Array(0..<whole.heldCount) {
                shares[direction] += part.share
            }
            part.held.forEach { element, place, _ in
                mean[place] += part.share * part.scale * part.delta[element]
            }
        }
        whole.forEach { _, element, direction in
            if shares[direction] > 0 { mean[element] /= shares[direction] }
        }
        return mean
    }

    private func whole(_ index: Int) -> HeldShape {
        HeldShape(
            shape: layout.entries[index].shape, axis: pairing.role(of: index)?.factor.axis,
            directions: nil)
    }

    /// BLAKE2b-256 over `"starling/sum/1\0"` and per tensor its name, weight sum and words.
    ///
    /// Where members hold parts the domain is `"starling/sum/3\0"`, and a weight sum stands for
    /// each direction behind their count.
    private var sumDigest: Digest {
        let isFirst = manifest.version == Manifest.firstVersion
        var hasher = BLAKE2bHasher()
        var head = CanonicalWriter(domain: isFirst ? "starling/sum/1" : "starling/sum/3")
        head.write(count: sums.count)
        hasher.update(head.bytes)
        for sum in sums {
            var writer = CanonicalWriter()
            writer.write(sum.entry.name)
            if isFirst {
                // Whole tensors: every direction has the same.
                writer.write(sum.weights[0])
            } else {
                writer.write(count: sum.weights.count)
                for weight in sum.weights { writer.write(weight) }
            }
            writer.write(count: sum.words.count)
            writer.write(littleEndianWords: sum.words)
            hasher.update(writer.bytes)
        }
        return hasher.finalize()
    }
}
