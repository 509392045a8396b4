internal import Cryptography
internal import Tensors

/// Where a round's tensors lie in the vector that a secure round sums.
///
/// First the words of every tensor that the round trains, whole and in order of the names; what a
/// member does not hold is zero. Behind them for each of these tensors the weight of each direction,
/// one for a tensor without: the member's weight where it holds the direction, zero where not. They
/// are what the mean divides by, and summed like everything else: nobody sees who trains how much.
///
/// Under ``SketchedMean`` it is a ``SketchVector`` instead, which takes the adapter to make; see
/// ``AggregationRound/secureWords(of:onto:)``.
///
/// Source: docs/protocol/secure-aggregation.md, section 7.
public struct SecureVectorLayout: Sendable {
    private struct Part {
        let index: Int
        let name: String
        let held: HeldShape
        let start: Int
        let weightStart: Int
    }

    private let parts: [Part]
    private let manifest: Manifest
    private let layout: AdapterLayout
    private let isSketched: Bool
    /// Elements of the vector: words and weights, without the member's weight behind them.
    public let elementCount: Int

    /// Lays out a round.
    ///
    /// - Complexity: O(tensors).
    init(
        manifest: Manifest, layout: AdapterLayout, pairing: AdapterPairing,
        trains: (AdapterFactor) -> Bool
    ) {
        self.manifest = manifest
        self.layout = layout
        isSketched = manifest.aggregation.aggregator == SketchedMean.name
        guard !isSketched else {
            parts = []
            elementCount = SketchVector.Shape(layout).elementCount
            return
        }
        let trained = layout.entries.indices.filter { index in
            pairing.role(of: index).map { trains($0.factor) } ?? true
        }
        var weightStart = trained.reduce(0) { $0 + layout.entries[$1].shape.elementCount }
        var start = 0
        var parts: [Part] = []
        for index in trained {
            let entry = layout.entries[index]
            let held = HeldShape(
                shape: entry.shape, axis: pairing.role(of: index)?.factor.axis, directions: nil)
            parts.append(
                Part(
                    index: index, name: entry.name, held: held, start: start,
                    weightStart: weightStart))
            start += entry.shape.elementCount
            weightStart += held.heldCount
        }
        self.parts = parts
        elementCount = weightStart
    }

    /// The longest frame with words of such a vector, in bytes: a shard in a group of three.
    public static func frameByteCountMax(elementCount: Int) -> Int {
        let map = ShardMap(
            wordCount: elementCount + 1, memberCount: SecureThresholds.memberCountMin)
        let longest = (0..<map.shardCount).map { map.range(of: $0).count }.max() ?? 0
        return SecureDataFrame.headByteCount + 4 * longest
    }

    /// Whether a frame holds words and not a statement.
    public static func isWords(_ frame: [UInt8]) -> Bool { SecureDataFrame.isDataFrame(frame) }

    /// How a member's vector is summed.
    public var format: SecureVectorFormat {
        SecureVectorFormat(
            elementCount: elementCount, fractionBitCount: manifest.ring.fractionBitCount,
            clipMagnitude: manifest.ring.clipMagnitude, weightUnit: manifest.ring.weightUnit)
    }

    /// An update in ring integers as a vector.
    ///
    /// - Throws: the reason why the update is none of this round, or why a plain round would refuse
    ///   it, its norm among them: what a member sends under its masks nobody can check any more, so
    ///   it checks that itself.
    /// - Complexity: O(elements).
    func words(of update: AdapterUpdate) throws(RejectReason) -> [UInt32] {
        guard !isSketched else { throw .manifestMismatch }
        var vector = [UInt32](repeating: 0, count: elementCount)
        var next = 0
        for tensor in update.tensors {
            while next < parts.count, parts[next].name != tensor.name { next += 1 }
            guard next < parts.count else { throw .updateUnknownTensor }
            let part = parts[next]
            guard tensor.shape == part.held.shape else { throw .updateShapeMismatch }
            guard tensor.form == .ring32 else { throw .updateFormInvalid }
            guard (1...update.exampleCount).contains(tensor.weight) else {
                throw .updateWeightInvalid
            }
            tensor.held.forEach { element, whole, _ in
                vector[part.start + whole] = tensor.words[element]
            }
            for direction in tensor.directions ?? Array(0..<part.held.heldCount) {
                vector[part.weightStart + direction] = UInt32(tensor.weight)
            }
        }
        try UpdateInspector.check(update, manifest: manifest, layout: layout)
        return vector
    }

    /// The sums that an opened vector holds, once they are what members within the bounds can have
    /// put in: weights, the magnitude of each element, and the norm of the mean.
    ///
    /// With deltas x_i of norm at most b and weights w_i, those of a direction not above the
    /// member's, the sum over directions of W_d |mean_d|^2 is at most W b^2, by Jensen's
    /// inequality. The slack is what stochastic rounding adds: sqrt(elements x members) steps of
    /// the ring, and 2^-10 for the arithmetic.
    ///
    /// Every node comes to the same verdict on the same words.
    ///
    /// - Throws: `updateShapeMismatch`, `updateWeightInvalid`, `updateRingOverflow` or
    ///   `updateNormExceeded`.
    /// - Complexity: O(elements).
    func sums(of sum: SecureSum) throws(RejectReason) -> RingSums {
        guard !isSketched else { throw .manifestMismatch }
        let count = sum.participants.count
        guard sum.words.count == elementCount, count > 0 else { throw .updateShapeMismatch }
        let total = Int64(sum.weight)
        guard (Int64(count)...Int64(count * manifest.ring.weightUnit)).contains(total) else {
            throw .updateWeightInvalid
        }
        let ring = RingScale(manifest: manifest, weight: 1)
        var tensors: [RingSums.Tensor] = []
        var energy = 0.0
        for part in parts {
            let weights = sum.words[part.weightStart..<part.weightStart + part.held.heldCount].map {
                Int64(Int32(bitPattern: $0))
            }
            guard weights.allSatisfy({ (0...total).contains($0) }) else {
                throw .updateWeightInvalid
            }
            let words = Array(sum.words[part.start..<part.start + part.held.elementCount])
            energy += try Self.energy(
                of: words, held: part.held, weights: weights, memberCount: count, ring: ring)
            tensors.append(
                .init(index: part.index, weights: weights.map { UInt64($0) }, words: words))
        }
        let step = 1 / ring.factor
        let slack = (Double(elementCount) * Double(count)).squareRoot() * step
        let allowed = manifest.normBound * Double(total).squareRoot() * (1 + 0x1p-10) + slack
        guard energy.squareRoot() * step <= allowed else { throw .updateNormExceeded }
        return RingSums(tensors: tensors)
    }

    /// The sum over elements of the squared ring sum over its direction's weight.
    private static func energy(
        of words: [UInt32], held: HeldShape, weights: [Int64], memberCount: Int, ring: RingScale
    ) throws(RejectReason) -> Double {
        let limits = weights.map { weight in
            weight == 0
                ? 0
                : Int64((ring.clip * ring.factor * Double(weight)).rounded(.up))
                    + Int64(memberCount)
        }
        var energy = 0.0
        var isWithin = true
        held.forEach { element, _, direction in
            let value = Int64(Int32(bitPattern: words[element]))
            if abs(value) > limits[direction] { isWithin = false }
            if value != 0 {
                energy += Double(value) * Double(value) / Double(max(weights[direction], 1))
            }
        }
        guard isWithin else { throw .updateRingOverflow }
        return energy
    }
}

extension AggregationRound {
    /// Where the round's tensors lie in the vector of a secure round.
    public var secureVector: SecureVectorLayout {
        SecureVectorLayout(
            manifest: manifest.manifest, layout: layout, pairing: AdapterPairing(of: layout)
        ) { factor in
            AggregatorRegistry.all[manifest.manifest.aggregation.aggregator]?
                .trains(factor, inRound: round) ?? false
        }
    }
}
