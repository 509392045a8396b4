internal import Cryptography
public import Tensors

/// From updates to what is masked, and from an opened sum to the next consensus.
extension AggregationRound {
    private var isSketched: Bool {
        manifest.manifest.aggregation.aggregator == SketchedMean.name
    }

    /// An update in ring integers as the vector that a secure round sums, given the consensus that
    /// it was trained from.
    ///
    /// - Throws: the reason why the update is none of this round: what a member sends under its
    ///   masks nobody can check any more, so it checks that itself.
    /// - Complexity: O(elements); with sketches times the rank.
    public func secureWords(
        of update: AdapterUpdate, onto consensus: NamedTensors
    ) throws(RejectReason) -> [UInt32] {
        guard isSketched else { return try secureVector.words(of: update) }
        guard update.tensors.allSatisfy({ $0.form == .ring32 }) else { throw .updateFormInvalid }
        var held = HeldUpdates(manifest: manifest.manifest, layout: layout)
        try held.add(update)
        let vector = try sketches(onto: consensus).vectors(of: held)[0]
        return vector.words + vector.weights.map { UInt32($0) }
    }

    private func sketches(onto consensus: NamedTensors) throws(RejectReason) -> SketchVector {
        SketchVector(
            manifest: manifest.manifest, layout: layout,
            base: try ConsensusState(consensus, layout: layout).adapter, round: round)
    }

    /// The next consensus from an opened sum.
    ///
    /// - Throws: `manifestMismatch` where the manifest's rule needs more than a sum, else the reason
    ///   why the sum or the base was refused.
    /// - Complexity: O(elements); with sketches times the rank.
    public func aggregate(
        _ sum: SecureSum, onto consensus: NamedTensors
    ) throws(RejectReason) -> Aggregate {
        guard isSketched else {
            guard var rule = makeAggregator() as? any LinearAggregator else {
                throw .manifestMismatch
            }
            rule.add(sums: try secureVector.sums(of: sum))
            return try rule.finish(base: consensus)
        }
        let memberCount = sum.participants.count
        let unit = manifest.manifest.ring.weightUnit
        guard sum.words.count == secureVector.elementCount, memberCount > 0 else {
            throw .updateShapeMismatch
        }
        guard (memberCount...memberCount * unit).contains(Int(sum.weight)) else {
            throw .updateWeightInvalid
        }
        let sketches = try sketches(onto: consensus)
        var opened = sketches.zero
        opened.words = Array(sum.words.prefix(opened.words.count))
        opened.weights = sum.words.suffix(opened.weights.count).map { UInt64($0) }
        try sketches.check(opened, weight: UInt64(sum.weight), memberCount: memberCount)
        return try SketchedMean.aggregate(
            opened, of: sketches, sumDigest: sumDigest(of: sum), onto: consensus)
    }

    /// BLAKE2b-256 over `"starling/sum/4\0"`, the aggregator's name, the number of words, and the
    /// words of sketches and weights, 4 bytes each, low byte first.
    private func sumDigest(of sum: SecureSum) -> Digest {
        var writer = CanonicalWriter(domain: "starling/sum/4")
        writer.write(manifest.manifest.aggregation.aggregator)
        writer.write(count: sum.words.count)
        writer.write(littleEndianWords: sum.words)
        return Hashing.blake2b256(writer.bytes)
    }
}
