internal import Cryptography
public import Tensors

/// The mean of the members' products B A from the sum of their sketches: ``SpectralMean`` for rounds
/// that show no more than a sum.
///
/// Everything that members add up is in the ring of 2^32, so plain rounds and secure ones of the same
/// updates give the same adapter, bit for bit.
///
/// Tolerates no liar beyond the norm bound, as ``SpectralMean``. Claims: what that one claims, but
/// for what a sketch leaves out of a large pair's terms of second order; see ``ProductSketch``.
/// In a plain round FedNova's factors are applied to whole sketches; secure rounds have none.
///
/// Source: docs/decisions/0022-sketched-products.md.
public struct SketchedMean: Aggregator {
    /// The name in the registry.
    public static let name = "spectral-sketch"
    /// What the suite holds it to.
    public static let claims: AggregatorClaims = [
        .keepsEqualProducts, .returnsLoneMember, .averagesProducts, .weighsExamples,
    ]

    private let layout: AdapterLayout
    private var held: HeldUpdates

    /// Starts without updates.
    public init(manifest: Manifest, layout: AdapterLayout) {
        self.layout = layout
        held = HeldUpdates(manifest: manifest, layout: layout)
    }

    /// Directions in random order, as many as asked for.
    public static func directions(
        _ count: Int, of pair: AdapterPairing.Pair, draw: DirectionDraw
    ) -> [Int] {
        SpectralMean.directions(count, of: pair, draw: draw)
    }

    /// Keeps an update: its sketch needs the base.
    public mutating func add(_ update: AdapterUpdate) throws(RejectReason) {
        try held.add(update)
    }

    /// Sums the sketches, rebuilds the mean changes and takes the outer step.
    ///
    /// - Complexity: for each pair O((output + input) R^2) times the members.
    public func finish(base: NamedTensors) throws(RejectReason) -> Aggregate {
        let state = try ConsensusState(base, layout: layout)
        let round = held.updates.first?.round ?? 0
        let sketches = SketchVector(
            manifest: held.manifest, layout: layout, base: state.adapter, round: round)
        var sum = sketches.zero
        for member in sketches.vectors(of: held) {
            for index in sum.words.indices { sum.words[index] &+= member.words[index] }
            for index in sum.weights.indices { sum.weights[index] += member.weights[index] }
        }
        return try Self.aggregate(sum, of: sketches, sumDigest: held.digest, onto: base)
    }

    /// The next consensus from summed sketches.
    static func aggregate(
        _ sum: SketchVector.Sum, of sketches: SketchVector, sumDigest: Digest,
        onto base: NamedTensors
    ) throws(RejectReason) -> Aggregate {
        let step = ProductStep(
            manifest: sketches.manifest, layout: sketches.layout, round: sketches.round)
        let next = try step.next(base, means: sketches.loneMeans(of: sum)) { pair, old in
            guard let terms = sketches.meanChange(of: pair, in: sum) else { return nil }
            return Change(base: old, terms: terms)
        }
        return Aggregate(
            sumDigest: sumDigest, adapter: next.tensors, droppedEnergy: next.droppedEnergy)
    }

    private struct Change: ProductChange {
        let base: FactorPair
        let terms: [ProductSketch.Term]

        func add(to sum: inout LowRankSum, factor: Double) {
            for term in terms { sum.add(factor, term.left, term.right) }
        }

        func addWithBase(to sum: inout LowRankSum, factor: Double) {
            sum.add(1, base.output, base.input)
            add(to: &sum, factor: factor)
        }
    }
}
