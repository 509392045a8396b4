internal import Cryptography
internal import Tensors

/// The manifest's rule against liars in the place of the mean, for the aggregators that compare
/// element by element.
///
/// Tolerates as many liars as the rule is set for. A member's vector is its whole change: what it
/// does not hold is zero, so that nobody decides alone over a tensor that few train. Members count
/// alike, for weights are what they claim.
///
/// Distances are summed tensor by tensor in order of the layout, so that the outcome does not depend
/// on the parts in which the layout is gone through.
///
/// Source: specified in docs/robustness.md.
struct RobustMean: Aggregator {
    static let name = "robust"
    static let claims: AggregatorClaims = [.keepsEqualFactors, .keepsEqualProducts]

    private let layout: AdapterLayout
    private let settings: Manifest.RobustnessSettings
    private var held: HeldUpdates
    /// Everyone whose change counts, also where this part of the layout has nothing of it; `nil` for
    /// those who added an update.
    var participants: [PublicKey]?
    /// What the whole layout led to; `nil` where this is the whole.
    var plan: RobustPlan?

    init(manifest: Manifest, layout: AdapterLayout) {
        guard let settings = manifest.aggregation.robustness else {
            preconditionFailure("a manifest without a rule against liars")
        }
        self.layout = layout
        self.settings = settings
        held = HeldUpdates(manifest: manifest, layout: layout)
    }

    mutating func add(_ update: AdapterUpdate) throws(RejectReason) {
        try held.add(update)
    }

    /// The rule's outcome for each tensor that somebody trained, and the outer step.
    ///
    /// - Complexity: O(members^2 x elements) for rules of distances.
    func finish(base: NamedTensors) throws(RejectReason) -> Aggregate {
        let state = try ConsensusState(base, layout: layout)
        let digest = held.digest
        let plan = try makePlan(digest: digest)
        let means = layout.entries.indices.map { changes(of: $0).map(plan.values) }
        let next = try OuterStep(held.manifest.aggregation).next(state, means: means)
        return Aggregate(sumDigest: digest, adapter: next.tensors)
    }

    private func makePlan(digest: Digest) throws(RejectReason) -> RobustPlan {
        if let plan { return plan }
        var distances = RobustDistances(settings)
        distances.add(self)
        return try distances.plan(
            participantCount: members.count, manifest: held.manifest, digest: digest)
    }

    private var members: [PublicKey] { participants ?? held.updates.map(\.member) }

    /// Each member's change of a tensor, row-major, in ascending order of the members; `nil` if
    /// nobody holds any of it.
    private func changes(of index: Int) -> [[Double]]? {
        let entry = layout.entries[index]
        let parts = Dictionary(
            uniqueKeysWithValues: zip(
                held.updates.map(\.member), held.contributions(to: [entry.name])))
        let contributions = members.map { parts[$0].flatMap { $0?[0] } }
        guard contributions.contains(where: { $0 != nil }) else { return nil }
        return contributions.map { part in
            var change = [Double](repeating: 0, count: entry.shape.elementCount)
            part?.held.forEach { element, whole, _ in
                change[whole] = part?.delta[element] ?? 0
            }
            return change
        }
    }

    /// The distances of the start and the members in each tensor, by its name.
    fileprivate func distances() -> [(name: String, distances: PairwiseDistances)] {
        layout.entries.indices.compactMap { index in
            guard let changes = changes(of: index) else { return nil }
            return (layout.entries[index].name, PairwiseDistances(fromMedianOf: changes))
        }
    }
}

/// The distances between whole updates, from parts of the layout in any order.
struct RobustDistances: Sendable {
    private let settings: Manifest.RobustnessSettings
    private var tensors: [(name: String, distances: PairwiseDistances)] = []

    init(_ settings: Manifest.RobustnessSettings) {
        self.settings = settings
    }

    /// Whether the rule looks at distances.
    static func areNeeded(_ settings: Manifest.RobustnessSettings) -> Bool {
        let aggregation = settings.aggregation(participantCount: 64, normBound: 1, seed: 0)
        return RobustPlan.needsDistances(aggregation.rule, mixing: aggregation.mixing)
    }

    /// Takes one tensor's changes, in order of whose they are.
    mutating func add(_ changes: [[Double]], of name: String) {
        guard Self.areNeeded(settings) else { return }
        tensors.append((name, PairwiseDistances(fromMedianOf: changes)))
    }

    /// Takes the part of the layout that an aggregator has seen.
    mutating func add(_ part: RobustMean) {
        guard Self.areNeeded(settings) else { return }
        tensors += part.distances()
    }

    /// What the rule does with these updates; the digest of their list decides the buckets.
    ///
    /// - Throws: `proposalInvalid` for too few of them, which no valid proposal has.
    func plan(
        participantCount: Int, manifest: Manifest, digest: Digest
    ) throws(RejectReason) -> RobustPlan {
        let aggregation = settings.aggregation(
            participantCount: participantCount, normBound: manifest.normBound,
            seed: digest.leadingInteger)
        var total = PairwiseDistances(count: participantCount + 1)
        for tensor in tensors.sorted(by: { NamedTensors.precedes($0.name, $1.name) }) {
            total.add(tensor.distances)
        }
        do throws(RobustnessError) {
            return try RobustPlan(
                aggregation.rule, mixing: aggregation.mixing, start: aggregation.start,
                inputCount: participantCount,
                distances: Self.areNeeded(settings) ? total : nil)
        } catch {
            if case .nonFinite = error { throw .updateNonFinite }
            throw .proposalInvalid
        }
    }
}

extension PairwiseDistances {
    /// The distances of the median of each coordinate, which is point 0, and the lists.
    fileprivate init(fromMedianOf lists: [[Double]]) {
        self.init(count: lists.count + 1)
        add([RobustPlan.start(.median, of: lists)] + lists)
    }
}
