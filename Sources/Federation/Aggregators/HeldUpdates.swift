internal import Cryptography
internal import Tensors

/// The updates of a round, for rules that need more of them than their sum: one per member, in
/// ascending order of the keys whatever order they came in.
struct HeldUpdates: Sendable {
    /// One member's part of a tensor.
    struct Contribution {
        /// The member's share: its examples over those of all who hold the tensor.
        let share: Double
        /// The factor on its delta: 1, or FedNova's mean steps over own steps.
        let scale: Double
        /// The held part.
        let held: HeldShape
        /// The held elements of its delta.
        let delta: [Double]
    }

    let manifest: Manifest
    let layout: AdapterLayout
    private(set) var updates: [AdapterUpdate] = []

    init(manifest: Manifest, layout: AdapterLayout) {
        self.manifest = manifest
        self.layout = layout
    }

    /// Takes an update that passes the inspector.
    ///
    /// - Throws: its reason; `equivocation` for a second one of the same member.
    mutating func add(_ update: AdapterUpdate) throws(RejectReason) {
        try UpdateInspector.check(update, manifest: manifest, layout: layout)
        let place = updates.firstIndex { update.member <= $0.member } ?? updates.endIndex
        if place < updates.endIndex, updates[place].member == update.member {
            throw .equivocation
        }
        updates.insert(update, at: place)
    }

    /// Each member's part of some tensors, which count as held if one of them is; `nil` for a
    /// member that holds none.
    ///
    /// The parts of a member are in the order of the names, `nil` for one that it lacks.
    func contributions(to names: [String]) -> [[Contribution?]?] {
        let held = updates.map { update in names.map { update[$0] } }
        let weights = held.map { $0.lazy.compactMap { $0?.weight }.first ?? 0 }
        let total = Double(weights.reduce(0) { $0 + UInt64($1) })
        guard total > 0 else { return held.map { _ in nil } }
        let shares = weights.map { Double($0) / total }
        var meanSteps = 0.0
        for (update, share) in zip(updates, shares) {
            meanSteps += share * Double(update.stepCount)
        }
        return updates.indices.map { index in
            guard weights[index] > 0 else { return nil }
            let normalizes = manifest.aggregation.normalizesSteps
            let scale = normalizes ? meanSteps / Double(updates[index].stepCount) : 1
            return held[index].map { tensor in
                tensor.map {
                    Contribution(
                        share: shares[index], scale: scale, held: $0.held,
                        delta: delta(of: $0))
                }
            }
        }
    }

    /// The words over weight, in the unit of the ring.
    private func delta(of tensor: AdapterUpdate.RingTensor) -> [Double] {
        let unit =
            Double(manifest.ring.weightUnit) / Double(1 << manifest.ring.fractionBitCount)
        let weight = Double(tensor.weight)
        return tensor.words.map { (Double(Int32(bitPattern: $0)) / weight) * unit }
    }

    /// BLAKE2b-256 over `"starling/sum/2\0"`, the aggregator's name, the number of updates, and per
    /// update its member (32) and object id (32), in ascending order of the members.
    var digest: Digest {
        Self.digest(
            manifest: manifest,
            updates: updates.map {
                ($0.member, ContentAddress.id(of: AdapterUpdateCodec.encode($0)))
            })
    }

    /// The same of updates in ascending order of their members.
    static func digest(
        manifest: Manifest, updates: [(member: PublicKey, objectID: ObjectID)]
    ) -> Digest {
        var writer = CanonicalWriter(domain: "starling/sum/2")
        writer.write(manifest.aggregation.aggregator)
        writer.write(count: updates.count)
        for update in updates {
            writer.write(raw: update.member.bytes)
            writer.write(raw: update.objectID.bytes)
        }
        return Hashing.blake2b256(writer.bytes)
    }
}

extension AdapterUpdate {
    /// The tensor of that name; `nil` if the member does not hold it.
    ///
    /// - Complexity: O(log n) comparisons of names.
    subscript(name: String) -> RingTensor? {
        var (low, high) = (0, tensors.count)
        while low < high {
            let middle = (low + high) / 2
            if NamedTensors.precedes(tensors[middle].name, name) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < tensors.count && tensors[low].name == name ? tensors[low] : nil
    }
}
