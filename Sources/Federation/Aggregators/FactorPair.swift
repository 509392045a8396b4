internal import Tensors

/// The two halves of a pair in Double, both with directions as columns.
struct FactorPair {
    /// B: [output, rank].
    var output: ColumnMatrix
    /// A^T: [input, rank].
    var input: ColumnMatrix

    init(zerosOf pair: AdapterPairing.Pair, rank: Int? = nil) {
        output = ColumnMatrix(zerosOf: pair.outputSize, by: rank ?? pair.rank)
        input = ColumnMatrix(zerosOf: pair.inputSize, by: rank ?? pair.rank)
    }

    /// Reads a pair of a layout's tensors.
    init(_ pair: AdapterPairing.Pair, in tensors: NamedTensors) {
        self.init(zerosOf: pair)
        let a = tensors.elements[pair.input].tensor.values
        let b = tensors.elements[pair.output].tensor.values
        // A is [rank, input], row-major: its values are the columns of A^T.
        input.values = a.map(Double.init)
        for row in 0..<pair.outputSize {
            for column in 0..<pair.rank {
                output[row, column] = Double(b[row * pair.rank + column])
            }
        }
    }

    /// The parts of both halves in a member's delta, one column for each direction held.
    init(
        _ pair: AdapterPairing.Pair, input inputPart: HeldUpdates.Contribution?,
        output outputPart: HeldUpdates.Contribution?
    ) {
        let held = (inputPart ?? outputPart)?.held
        let count = held?.heldCount ?? 0
        self.init(zerosOf: pair, rank: count)
        if let inputPart { input.values = inputPart.delta }
        if let outputPart {
            for row in 0..<pair.outputSize {
                for column in 0..<count {
                    output[row, column] = outputPart.delta[row * count + column]
                }
            }
        }
    }

    /// Adds a factor times a pair whose columns are these directions.
    mutating func add(_ factor: Double, _ other: FactorPair, directions: [Int]) {
        for (column, direction) in directions.enumerated() {
            for row in 0..<output.rowCount {
                output[row, direction] += factor * other.output[row, column]
            }
            for row in 0..<input.rowCount {
                input[row, direction] += factor * other.input[row, column]
            }
        }
    }

    /// Row-major values of A and B.
    var tensorValues: (a: [Double], b: [Double]) {
        (input.values, output.transposed.values)
    }

    /// The Frobenius norm of B A, from the Gram matrices of its halves.
    var productNorm: Double {
        let left = output.transposedTimes(output)
        let right = input.transposedTimes(input)
        var sum = 0.0
        for index in left.values.indices { sum += left.values[index] * right.values[index] }
        return max(sum, 0).squareRoot()
    }
}
