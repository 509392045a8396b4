public import Tensors

/// From the basis of one consensus adapter to that of the next.
///
/// An aggregator that balances products writes nearly the same product in other factors: B' about
/// B T and A' about T^-1 A. What a node keeps per factor between rounds, in the old basis, means
/// nothing in the new one until it is turned too: changes of parameters as B T and T^-1 A. What lies
/// outside the space that both share is dropped. T and T^-1 come from least squares, which
/// orthogonal columns of B and rows of A, as a balanced pair has them, make a product each.
///
/// Lone tensors and pairs whose bytes did not change pass as they are.
///
/// Source: none; a construction of this project.
public struct BasisChange: Sendable {
    private struct Turn {
        let pair: AdapterPairing.Pair
        /// T: [old, new].
        let forward: ColumnMatrix
        /// T^-1: [new, old].
        let backward: ColumnMatrix
    }

    private let turns: [Turn]

    /// Compares two adapters of one layout.
    ///
    /// - Complexity: O(elements x rank).
    public init(from old: NamedTensors, to new: NamedTensors) {
        precondition(old.hasSameLayout(as: new), "the two have other names or shapes")
        let pairing = AdapterPairing(of: AdapterLayout(of: old))
        turns = pairing.pairs.compactMap { pair in
            let isSame = [pair.input, pair.output].allSatisfy {
                old.elements[$0].tensor == new.elements[$0].tensor
            }
            guard !isSame else { return nil }
            let before = FactorPair(pair, in: old)
            let after = FactorPair(pair, in: new)
            var forward = before.output.transposedTimes(after.output)
            var backward = after.input.transposedTimes(before.input)
            for direction in 0..<pair.rank {
                let b = before.output.product(ofColumn: direction, withColumn: direction)
                let a = before.input.product(ofColumn: direction, withColumn: direction)
                for other in 0..<pair.rank {
                    forward[direction, other] = b > 0 ? forward[direction, other] / b : 0
                    backward[other, direction] = a > 0 ? backward[other, direction] / a : 0
                }
            }
            return Turn(pair: pair, forward: forward, backward: backward)
        }
    }

    /// Changes of parameters in the new basis: B T and T^-1 A.
    public func moved(parameters: NamedTensors) -> NamedTensors {
        moved(parameters) { ($0.forward, $0.backward.transposed) }
    }

    /// The new adapter in the old basis: B' T^-1 and T A'.
    func inverse(_ new: NamedTensors) -> NamedTensors {
        moved(new) { ($0.backward, $0.forward.transposed) }
    }

    /// Multiplies B and A^T from the right.
    private func moved(
        _ tensors: NamedTensors,
        by matrices: (Turn) -> (output: ColumnMatrix, input: ColumnMatrix)
    ) -> NamedTensors {
        var moved = tensors
        for turn in turns {
            let (output, input) = matrices(turn)
            var factors = FactorPair(turn.pair, in: tensors)
            factors.output = factors.output.timesTransposed(output.transposed)
            factors.input = factors.input.timesTransposed(input.transposed)
            let values = factors.tensorValues
            for (index, doubles) in [
                (turn.pair.input, values.a), (turn.pair.output, values.b),
            ] {
                let element = tensors.elements[index]
                moved.replace(
                    element.name,
                    with: FloatTensor(
                        shape: element.tensor.shape, values: doubles.map { Float($0) }))
            }
        }
        return moved
    }
}
