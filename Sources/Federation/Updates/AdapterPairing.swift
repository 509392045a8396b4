internal import Tensors

/// The half of a low-rank pair: y = x A^T B^T.
public enum AdapterFactor: UInt8, Hashable, Sendable, CaseIterable {
    /// A, [rank, input]: its directions are rows.
    case input
    /// B, [output, rank]: its directions are columns.
    case output

    /// The axis along which the directions lie.
    var axis: Int { self == .input ? 0 : 1 }
    /// The component of PEFT's tensor names.
    var component: String { self == .input ? "lora_A" : "lora_B" }
}

/// Which tensors of a layout are the two halves of a low-rank product.
///
/// A pair is two matrices whose names differ in one component, `lora_A` against `lora_B`, and whose
/// ranks agree. Every other tensor is lone: it is averaged element by element.
public struct AdapterPairing: Sendable {
    /// One product B A.
    public struct Pair: Hashable, Sendable {
        /// The name of A.
        public let name: String
        /// The place of A in the layout.
        let input: Int
        /// The place of B in the layout.
        let output: Int
        /// The number of directions: the wire rank R.
        public let rank: Int
        /// The columns of A.
        public let inputSize: Int
        /// The rows of B.
        public let outputSize: Int
    }

    /// The pairs in the order of their A.
    public let pairs: [Pair]
    /// For each entry of the layout its pair and half; `nil` for a lone tensor.
    private let roles: [(pair: Int, factor: AdapterFactor)?]

    /// Finds the pairs of a layout.
    public init(of layout: AdapterLayout) {
        var pairs: [Pair] = []
        var roles = [(pair: Int, factor: AdapterFactor)?](
            repeating: nil, count: layout.entries.count)
        for (index, entry) in layout.entries.enumerated() {
            guard let partner = Self.outputName(of: entry.name),
                let other = layout.index(of: partner)
            else { continue }
            let input = entry.shape.extents
            let output = layout.entries[other].shape.extents
            guard input.count == 2, output.count == 2, input[0] == output[1], input[0] > 0 else {
                continue
            }
            roles[index] = (pairs.count, .input)
            roles[other] = (pairs.count, .output)
            pairs.append(
                Pair(
                    name: entry.name, input: index, output: other, rank: input[0],
                    inputSize: input[1], outputSize: output[0]))
        }
        self.pairs = pairs
        self.roles = roles
    }

    /// The pair and half that an entry of the layout is; `nil` for a lone tensor.
    func role(of index: Int) -> (pair: Pair, factor: AdapterFactor)? {
        roles[index].map { (pairs[$0.pair], $0.factor) }
    }

    private static func outputName(of name: String) -> String? {
        var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let place = parts.lastIndex(of: AdapterFactor.input.component) else { return nil }
        parts[place] = AdapterFactor.output.component
        return parts.joined(separator: ".")
    }
}
