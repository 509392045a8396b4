internal import Cryptography
internal import Tensors

/// A robust rule on the means of groups: private inside a group, robust across groups.
///
/// Each group counts as one, whatever weight it claims, and a direction that nobody in it trained
/// counts as left as it was. With f groups to bear the rule tolerates as many that hold more liars
/// than opening a sum takes; inside a group nothing tells who lied.
///
/// Source: docs/robustness.md.
struct GroupMean: Sendable {
    private let round: AggregationRound
    private let settings: Manifest.RobustnessSettings
    /// The means of the groups, with the first member of each, in ascending order of those.
    private var groups: [(first: PublicKey, sums: RingSums)] = []
    private var seen: Set<ObjectID> = []

    init(_ round: AggregationRound) {
        guard let settings = round.manifest.manifest.aggregation.robustness else {
            preconditionFailure("groups without a rule across them")
        }
        self.round = round
        self.settings = settings
    }

    /// Takes a group's sum; the same one a second time changes nothing.
    ///
    /// - Throws: the reason why it is none, `equivocation` for another sum of a group with the same
    ///   first member.
    mutating func add(_ bytes: [UInt8]) throws(RejectReason) {
        guard seen.insert(ContentAddress.id(of: bytes)).inserted else { return }
        let sum = try GroupSum(
            bytes: bytes, byteCountMax: round.manifest.manifest.updateByteCountMax)
        guard let first = sum.members.first else { throw .malformed }
        let sums = try round.secureVector.sums(of: sum.sum)
        let place = groups.firstIndex { first <= $0.first } ?? groups.endIndex
        if place < groups.endIndex, groups[place].first == first { throw .equivocation }
        groups.insert((first, sums), at: place)
    }

    /// The next state.
    ///
    /// - Throws: `proposalInvalid` for too few groups, `updateNonFinite` for an outcome that is not
    ///   finite.
    func finish(base: ConsensusState, digest: Digest) throws(RejectReason) -> Aggregate {
        let manifest = round.manifest.manifest
        var distances = RobustDistances(settings)
        for index in round.layout.entries.indices {
            if let changes = changes(of: index) {
                distances.add(changes, of: round.layout.entries[index].name)
            }
        }
        let plan = try distances.plan(
            participantCount: groups.count, manifest: manifest, digest: digest)
        let means = round.layout.entries.indices.map { changes(of: $0).map(plan.values) }
        let next = try OuterStep(manifest.aggregation).next(base, means: means)
        return Aggregate(sumDigest: digest, adapter: next.tensors)
    }

    /// Each group's mean change of a tensor, row-major; `nil` where the round does not train it.
    private func changes(of index: Int) -> [[Double]]? {
        let unit =
            Double(round.manifest.manifest.ring.weightUnit)
            / Double(1 << round.manifest.manifest.ring.fractionBitCount)
        let entry = round.layout.entries[index]
        let axis = AdapterPairing(of: round.layout).role(of: index)?.factor.axis
        let held = HeldShape(shape: entry.shape, axis: axis, directions: nil)
        var changes: [[Double]] = []
        for group in groups {
            guard let tensor = group.sums.tensors.first(where: { $0.index == index }) else {
                return nil
            }
            var change = [Double](repeating: 0, count: entry.shape.elementCount)
            held.forEach { _, element, direction in
                guard tensor.weights[direction] > 0 else { return }
                change[element] =
                    (Double(Int32(bitPattern: tensor.words[element]))
                        / Double(tensor.weights[direction])) * unit
            }
            changes.append(change)
        }
        return changes.isEmpty ? nil : changes
    }
}
