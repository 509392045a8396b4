internal import Cryptography
internal import Tensors

/// The linear two-sided sketch of the changes of one product B A: Y = D Omega and Z = D^T Psi.
///
/// A sum of products is no product of sums, but sketches add up: what is summed under masks is Y and
/// Z, (output + input) (R + 8) numbers for a pair of rank R, whatever ranks the members trained.
///
/// Omega and Psi are orthonormal and the same on every node. Their first columns span what the pair
/// reaches already, the rows of A and the columns of B; the rest is random, from the seed, the
/// round and the pair, as are the places of directions of length zero. With P the first part of
/// Omega and Q that of Psi, the change D = dB A + B dA + dB dA of a member falls into
/// D P P^T + Q Q^T D - Q Q^T D P P^T, which Y and Z hold exactly and which all terms of first order
/// lie in, and a rest E of second order, of which the random columns show E Omega_2 and E^T Psi_2.
///
/// E is rebuilt as (E Omega_2) C^+ (E^T Psi_2)^T with the core C = Psi_2^T E Omega_2. How far both
/// sketches disagree about the core is what rounding put in: singular values below four times that
/// count as zero. Where some are, the rank of E is below the number of columns and E comes back
/// whole; where none is, the half of greatest value is kept, for the inverse of the rest would be
/// noise.
///
/// A pair of which one side is not longer than R + 8 is summed as it is, output x input numbers.
///
/// Source: the sketch is that of Tropp, Yurtsever, Udell and Cevher, "Practical sketching algorithms
/// for low-rank matrix approximation", 2017; the core's inverse is Nystroem's, in the form of
/// Nakatsukasa 2020. Both are reconstructed from descriptions.
///
/// ### Deviations
/// Known columns in Omega and Psi, the threshold and the halved rank are choices of this project;
/// docs/decisions/0022-sketched-products.md has what they are worth.
struct ProductSketch {
    /// Random columns beyond the rank.
    static let oversampling = 8

    /// A sketch, or a sum or mean of sketches.
    struct Values: Equatable {
        /// Y: [output, width]; the change itself where it is summed as it is.
        var left: ColumnMatrix
        /// Z: [input, width], without columns where the change is summed as it is.
        var right: ColumnMatrix
    }

    let pair: AdapterPairing.Pair
    /// How much longer than a factor change of norm 1 a product change can be, for changes within
    /// the norm bound b: |dB A + B dA + dB dA| <= (sqrt(|A|^2 + |B|^2) + b / 2) |(dA, dB)| in
    /// spectral norms of A and B.
    let gain: Double
    private let base: FactorPair
    /// `nil` where the change is summed as it is.
    private let sides: (input: Side, output: Side)?

    /// One of Omega and Psi.
    private struct Side {
        /// [extent, width], orthonormal.
        let columns: ColumnMatrix
        /// The columns that are known and not random.
        let knownCount: Int
        /// The factor's products with the columns: [width, rank].
        let products: ColumnMatrix
    }

    /// Whether changes of such a pair are summed as they are.
    private static func isWhole(_ pair: AdapterPairing.Pair) -> Bool {
        min(pair.inputSize, pair.outputSize) <= width(of: pair)
    }

    private static func width(of pair: AdapterPairing.Pair) -> Int { pair.rank + oversampling }

    /// The numbers of a pair's sketch.
    static func elementCount(of pair: AdapterPairing.Pair) -> Int {
        isWhole(pair)
            ? pair.outputSize * pair.inputSize
            : (pair.outputSize + pair.inputSize) * width(of: pair)
    }

    /// Prepares the sketches of a round.
    ///
    /// - Complexity: O((output + input) rank^2).
    init(
        _ pair: AdapterPairing.Pair, base: FactorPair, manifest: Manifest, round: UInt64
    ) {
        self.pair = pair
        self.base = base
        let norms = [base.input, base.output].map(Self.spectralNorm)
        gain =
            (norms[0] * norms[0] + norms[1] * norms[1]).squareRoot() + manifest.normBound / 2
        guard !Self.isWhole(pair) else {
            sides = nil
            return
        }
        let draw = { (factor: AdapterFactor) in
            Self.generator(pair, factor, manifest: manifest, round: round)
        }
        sides = (
            Self.side(of: base.input, width: Self.width(of: pair), draw(.input)),
            Self.side(of: base.output, width: Self.width(of: pair), draw(.output))
        )
    }

    private static func spectralNorm(_ factor: ColumnMatrix) -> Double {
        JacobiDecomposition(HouseholderFactorization(factor).upper).singularValues.first ?? 0
    }

    /// The generator of a side's random columns: seeded with the first 8 bytes of BLAKE2b-256 over
    /// `"starling/sketch/1\0"`, the digest of the manifest without its secure settings, the round
    /// (8), A's name and the factor (1).
    private static func generator(
        _ pair: AdapterPairing.Pair, _ factor: AdapterFactor, manifest: Manifest, round: UInt64
    ) -> SplitMix64 {
        var writer = CanonicalWriter(domain: "starling/sketch/1")
        writer.write(raw: manifest.openCounterpart.digest.bytes)
        writer.write(round)
        writer.write(pair.name)
        writer.write(factor.rawValue)
        return SplitMix64(seed: Hashing.blake2b256(writer.bytes).leadingInteger)
    }

    private static func side(
        of factor: ColumnMatrix, width: Int, _ generator: SplitMix64
    ) -> Side {
        var generator = generator
        var columns = ColumnMatrix(zerosOf: factor.rowCount, by: width)
        var count = 0
        for column in 0..<factor.columnCount
        where factor.product(ofColumn: column, withColumn: column) > 0 {
            for row in 0..<factor.rowCount { columns[row, count] = factor[row, column] }
            count += 1
        }
        for place in (count * factor.rowCount)..<columns.values.count {
            columns.values[place] = 2 * generator.fraction() - 1
        }
        var identity = ColumnMatrix(zerosOf: width, by: width)
        for index in 0..<width { identity[index, index] = 1 }
        let orthonormal = HouseholderFactorization(columns).orthogonal(times: identity)
        return Side(
            columns: orthonormal, knownCount: count,
            products: orthonormal.transposedTimes(factor))
    }

    /// The sketch of what a member changed, in the directions that it trained.
    ///
    /// - Complexity: O((output + input) x directions x rank).
    func values(of delta: FactorPair, directions: [Int]) -> Values {
        let baseOutput = base.output.columns(directions)
        let baseInput = base.input.columns(directions)
        guard let sides else {
            return Values(
                left: delta.output.timesTransposed(baseInput.adding(delta.input))
                    .adding(baseOutput.timesTransposed(delta.input)),
                right: ColumnMatrix(zerosOf: pair.inputSize, by: 0))
        }
        let input = sides.input.columns.transposedTimes(delta.input)
        let output = sides.output.columns.transposedTimes(delta.output)
        return Values(
            left: delta.output.timesTransposed(
                sides.input.products.columns(directions).adding(input)
            ).adding(baseOutput.timesTransposed(input)),
            right: delta.input.timesTransposed(
                sides.output.products.columns(directions).adding(output)
            ).adding(baseInput.timesTransposed(output)))
    }

    /// The numbers of Y.
    var leftCount: Int {
        pair.outputSize * (sides == nil ? pair.inputSize : Self.width(of: pair))
    }

    /// A sketch from its numbers, Y column by column and then Z.
    func values(from numbers: [Double]) -> Values {
        precondition(
            numbers.count == Self.elementCount(of: pair), "\(numbers.count) numbers of a sketch")
        let width = sides == nil ? 0 : Self.width(of: pair)
        var left = ColumnMatrix(
            zerosOf: pair.outputSize, by: sides == nil ? pair.inputSize : width)
        var right = ColumnMatrix(zerosOf: pair.inputSize, by: width)
        left.values = Array(numbers[..<leftCount])
        right.values = Array(numbers[leftCount...])
        return Values(left: left, right: right)
    }

    /// The change that a mean sketch stands for, as terms of low rank.
    ///
    /// - Complexity: O((output + input) x rank^2).
    func terms(of mean: Values) -> [Term] {
        guard let sides else {
            // The identity stands on the shorter side.
            let isWide = pair.inputSize > pair.outputSize
            let size = min(pair.inputSize, pair.outputSize)
            var identity = ColumnMatrix(zerosOf: size, by: size)
            for index in 0..<size { identity[index, index] = 1 }
            return [
                isWide
                    ? Term(left: identity, right: mean.left.transposed)
                    : Term(left: mean.left, right: identity)
            ]
        }
        let known = sides.input.columns.columns(0..<sides.input.knownCount)
        let random = sides.input.columns.columns(sides.input.knownCount...)
        let knownOutput = sides.output.columns.columns(0..<sides.output.knownCount)
        let randomOutput = sides.output.columns.columns(sides.output.knownCount...)
        let first = mean.left.columns(0..<sides.input.knownCount)
        // Q^T D P is in both sketches; it counts once, as Y has it.
        var second = mean.right.columns(0..<sides.output.knownCount)
        second.subtract(known.timesTransposed(knownOutput.transposedTimes(first)))
        var rows = mean.left.columns(sides.input.knownCount...)
        rows.subtract(
            knownOutput.timesTransposed(rows.transposedTimes(knownOutput)))
        var columns = mean.right.columns(sides.output.knownCount...)
        columns.subtract(known.timesTransposed(columns.transposedTimes(known)))
        return [Term(left: first, right: known), Term(left: knownOutput, right: second)]
            + Self.rest(
                rows: rows, columns: columns, core: randomOutput.transposedTimes(rows),
                other: columns.transposedTimes(random))
    }

    /// The rest E from E Omega_2, E^T Psi_2 and the core as both have it.
    private static func rest(
        rows: ColumnMatrix, columns: ColumnMatrix, core: ColumnMatrix, other: ColumnMatrix
    ) -> [Term] {
        var mean = core
        var noise = 0.0
        for index in core.values.indices {
            let difference = core.values[index] - other.values[index]
            noise += difference * difference
            mean.values[index] = (core.values[index] + other.values[index]) / 2
        }
        let decomposition = JacobiDecomposition(mean)
        let least = 4 * noise.squareRoot()
        let values = decomposition.singularValues.prefix { $0 > least && $0 > 0 }
        let isSaturated = values.count == decomposition.singularValues.count
        let kept = isSaturated ? values.count / 2 : values.count
        guard kept > 0 else { return [] }
        var left = rows.times(decomposition.right.columns(0..<kept))
        for column in 0..<kept {
            for row in 0..<left.rowCount { left[row, column] /= values[column] }
        }
        return [
            Term(left: left, right: columns.times(decomposition.left.columns(0..<kept)))
        ]
    }

    /// left right^T.
    struct Term {
        let left: ColumnMatrix
        let right: ColumnMatrix
    }
}

extension ColumnMatrix {
    /// Some columns, in that order.
    func columns(_ indices: some Sequence<Int>) -> ColumnMatrix {
        let indices = Array(indices)
        var part = ColumnMatrix(zerosOf: rowCount, by: indices.count)
        for (place, index) in indices.enumerated() {
            for row in 0..<rowCount { part[row, place] = self[row, index] }
        }
        return part
    }

    /// The columns from one on.
    func columns(_ range: PartialRangeFrom<Int>) -> ColumnMatrix {
        columns(range.lowerBound..<columnCount)
    }

    /// self other, summed over the columns from the first.
    func times(_ other: ColumnMatrix) -> ColumnMatrix { timesTransposed(other.transposed) }

    func adding(_ other: ColumnMatrix) -> ColumnMatrix {
        precondition(
            rowCount == other.rowCount && columnCount == other.columnCount, "another shape")
        var sum = self
        for index in sum.values.indices { sum.values[index] += other.values[index] }
        return sum
    }

    mutating func subtract(_ other: ColumnMatrix) {
        precondition(
            rowCount == other.rowCount && columnCount == other.columnCount, "another shape")
        for index in values.indices { values[index] -= other.values[index] }
    }
}
