internal import Cryptography
internal import Tensors

/// Begins the directions of a balanced pair again that carry nothing: B's column 0, A's row uniform
/// in (-1/sqrt(input), 1/sqrt(input)), so that training finds a slope there.
///
/// The product does not change. The draw is seeded with the manifest's seed, the round, the pair
/// and the direction, and so the same on every node.
struct FreshDirections {
    /// A singular value below this share of the greatest carries nothing that Float could train.
    private static let deadShare = 1e-6

    let seed: UInt64
    let round: UInt64

    /// The factors as a pair, with dead directions begun again.
    func restarting(
        _ kept: LowRankSum.Truncated, _ pair: AdapterPairing.Pair
    ) -> FactorPair {
        var result = FactorPair(zerosOf: pair)
        result.output = kept.left
        result.input = kept.right
        let greatest = kept.singularValues.first ?? 0
        let bound = 1 / Double(max(pair.inputSize, 1)).squareRoot()
        for direction in 0..<pair.rank {
            let value = kept.singularValues[direction]
            guard value <= Self.deadShare * greatest else { continue }
            var writer = CanonicalWriter(domain: "starling/fresh-direction/1")
            writer.write(seed)
            writer.write(round)
            writer.write(pair.name)
            writer.write(count: direction)
            var generator = SplitMix64(seed: Hashing.blake2b256(writer.bytes).leadingInteger)
            for row in 0..<pair.outputSize { result.output[row, direction] = 0 }
            for row in 0..<pair.inputSize {
                result.input[row, direction] = (2 * generator.fraction() - 1) * bound
            }
        }
        return result
    }
}
