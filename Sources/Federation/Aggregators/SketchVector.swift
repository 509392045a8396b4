internal import Cryptography
internal import Tensors

/// What a member adds to a round of ``SketchedMean``, as ring words: the words of every lone tensor,
/// then the sketches of the pairs' changes, Y column by column and then Z, in order of the layout;
/// and a weight for each lone tensor and each pair, zero where the member holds nothing of it.
///
/// Sketches are rounded to the nearest ring number: the updates that they are made of were rounded by
/// chance already. One with an element beyond the clip is scaled down to it as a whole.
struct SketchVector {
    /// A member's vector, or a sum of them.
    struct Sum: Hashable, Sendable {
        /// Modulo 2^32.
        var words: [UInt32]
        var weights: [UInt64]
    }

    let manifest: Manifest
    let layout: AdapterLayout
    let round: UInt64
    private let shape: Shape
    private let sketches: [ProductSketch]

    /// Where the words lie.
    struct Shape {
        /// The places of the lone tensors in the layout.
        let lone: [Int]
        let pairs: [AdapterPairing.Pair]
        /// The words of each lone tensor and each pair.
        let ranges: [Range<Int>]

        init(_ layout: AdapterLayout) {
            let pairing = AdapterPairing(of: layout)
            lone = layout.entries.indices.filter { pairing.role(of: $0) == nil }
            pairs = pairing.pairs
            var start = 0
            ranges =
                (lone.map { layout.entries[$0].shape.elementCount }
                + pairs.map(ProductSketch.elementCount)).map { count in
                    defer { start += count }
                    return start..<start + count
                }
        }

        var wordCount: Int { ranges.last?.upperBound ?? 0 }
        /// Words and weights.
        var elementCount: Int { wordCount + ranges.count }
    }

    /// Prepares the sketches of a round onto an adapter of that layout.
    init(manifest: Manifest, layout: AdapterLayout, base: NamedTensors, round: UInt64) {
        self.manifest = manifest
        self.layout = layout
        self.round = round
        let shape = Shape(layout)
        self.shape = shape
        sketches = shape.pairs.map {
            ProductSketch($0, base: FactorPair($0, in: base), manifest: manifest, round: round)
        }
    }

    var zero: Sum {
        Sum(
            words: [UInt32](repeating: 0, count: shape.wordCount),
            weights: [UInt64](repeating: 0, count: shape.ranges.count))
    }

    // MARK: Of a member

    /// The vector of each update.
    func vectors(of held: HeldUpdates) -> [Sum] {
        var vectors = held.updates.map { _ in zero }
        for (part, index) in shape.lone.enumerated() {
            let name = layout.entries[index].name
            for (member, parts) in held.contributions(to: [name]).enumerated() {
                guard let contribution = parts?[0], let tensor = held.updates[member][name] else {
                    continue
                }
                vectors[member].weights[part] = UInt64(tensor.weight)
                let start = shape.ranges[part].lowerBound
                tensor.held.forEach { element, whole, _ in
                    let word = tensor.words[element]
                    vectors[member].words[start + whole] =
                        contribution.scale == 1
                        ? word : Self.scaled(word, by: contribution.scale)
                }
            }
        }
        for (place, pair) in shape.pairs.enumerated() {
            let part = shape.lone.count + place
            let names = [layout.entries[pair.input].name, layout.entries[pair.output].name]
            for (member, parts) in held.contributions(to: names).enumerated() {
                let update = held.updates[member]
                guard let parts, let contribution = parts[0] ?? parts[1],
                    let weight = (update[names[0]] ?? update[names[1]])?.weight
                else { continue }
                let values = sketches[place].values(
                    of: FactorPair(pair, input: parts[0], output: parts[1]),
                    directions: contribution.held.directions ?? Array(0..<pair.rank))
                vectors[member].weights[part] = UInt64(weight)
                vectors[member].words.replaceSubrange(
                    shape.ranges[part],
                    with: words(
                        of: values.left.values + values.right.values, weight: weight,
                        scale: contribution.scale))
            }
        }
        return vectors
    }

    private func words(of values: [Double], weight: Int, scale: Double) -> [UInt32] {
        let ring = RingScale(manifest: manifest, weight: weight)
        let greatest = values.reduce(0) { max($0, abs($1)) } * scale
        let factor = ring.factor * scale * (greatest > ring.clip ? ring.clip / greatest : 1)
        return values.map { UInt32(truncatingIfNeeded: Int64(($0 * factor).rounded())) }
    }

    private static func scaled(_ word: UInt32, by scale: Double) -> UInt32 {
        UInt32(
            truncatingIfNeeded: Int64((Double(Int32(bitPattern: word)) * scale).rounded()))
    }

    // MARK: Of a sum

    /// The mean change of each lone tensor in order of the layout; `nil` where nobody holds it, and
    /// for halves of pairs.
    func loneMeans(of sum: Sum) -> [[Double]?] {
        var means = [[Double]?](repeating: nil, count: layout.entries.count)
        for (part, index) in shape.lone.enumerated() { means[index] = mean(part, of: sum) }
        return means
    }

    /// The mean change of a pair's product; `nil` where nobody holds it.
    func meanChange(of pair: AdapterPairing.Pair, in sum: Sum) -> [ProductSketch.Term]? {
        guard let place = shape.pairs.firstIndex(of: pair),
            let values = mean(shape.lone.count + place, of: sum)
        else { return nil }
        return sketches[place].terms(of: sketches[place].values(from: values))
    }

    private func mean(_ part: Int, of sum: Sum) -> [Double]? {
        guard sum.weights[part] > 0 else { return nil }
        let weight = Double(sum.weights[part])
        // A power of two, so that the product with it is exact.
        let unit =
            Double(manifest.ring.weightUnit) / Double(1 << manifest.ring.fractionBitCount)
        return sum.words[shape.ranges[part]].map {
            (Double(Int32(bitPattern: $0)) / weight) * unit
        }
    }

    /// Throws unless members within the bounds can have put in what the sum holds: weights, the
    /// magnitude of each word, and the norms of the mean changes.
    ///
    /// A member's factor changes have a norm of at most b, so that the sketches of its product
    /// changes, each over the pair's gain, have at most b as well; the rest is Jensen's inequality
    /// as in ``SecureVectorLayout/sums(of:)``.
    ///
    /// - Throws: `updateWeightInvalid`, `updateRingOverflow` or `updateNormExceeded`.
    func check(_ sum: Sum, weight total: UInt64, memberCount: Int) throws(RejectReason) {
        let ring = RingScale(manifest: manifest, weight: 1)
        // Of Y and of Z, each with the lone tensors.
        var energies = (left: 0.0, right: 0.0)
        var leastGain = 1.0
        for (part, range) in shape.ranges.enumerated() {
            let weight = sum.weights[part]
            guard weight <= total else { throw .updateWeightInvalid }
            let limit =
                weight == 0
                ? 0
                : Int64((ring.clip * ring.factor * Double(weight)).rounded(.up))
                    + Int64(memberCount)
            let place = part - shape.lone.count
            let gain = place >= 0 ? sketches[place].gain : 1
            let leftCount = place >= 0 ? sketches[place].leftCount : range.count
            leastGain = min(leastGain, gain)
            var found = (left: 0.0, right: 0.0)
            for (index, word) in sum.words[range].enumerated() {
                let value = Int64(Int32(bitPattern: word))
                guard abs(value) <= limit else { throw .updateRingOverflow }
                let square = Double(value) * Double(value)
                if index < leftCount { found.left += square } else { found.right += square }
            }
            let divisor = Double(max(weight, 1)) * gain * gain
            energies.left += found.left / divisor
            energies.right += (place >= 0 ? found.right : found.left) / divisor
        }
        let step = 1 / ring.factor
        let slack =
            (Double(shape.elementCount) * Double(memberCount)).squareRoot() * step / leastGain
        let allowed =
            manifest.normBound * Double(total).squareRoot() * (1 + 0x1p-10) + slack
        guard max(energies.left, energies.right).squareRoot() * step <= allowed else {
            throw .updateNormExceeded
        }
    }
}
