internal import Tensors

/// The mean length of the rows of each A, as an adapter begins with it.
///
/// A rule that balances products leaves A and B of equal length, which is far less than A begins
/// with while the products are small. A step of Adam moves B by the same amount whatever A is,
/// so it then moves the product by less. This takes lengths from A back to B, so that each A is as
/// long as it was and no product changes.
struct InputNorms {
    private let norms: [String: Double]

    /// Measures an adapter.
    init(of adapter: NamedTensors) {
        var norms: [String: Double] = [:]
        for element in adapter.elements where Self.partner(of: element.name) != nil {
            let rows = Self.rowNorms(of: element.tensor)
            norms[element.name] = rows.reduce(0, +) / Double(max(rows.count, 1))
        }
        self.norms = norms
    }

    /// The same products in factors whose A has the measured length; a row of no length stays.
    func restored(in adapter: NamedTensors) -> NamedTensors {
        var restored = adapter
        for (name, norm) in norms {
            guard let partner = Self.partner(of: name), var input = adapter[name],
                var output = adapter[partner]
            else { continue }
            let factors = Self.rowNorms(of: input).map { $0 > 0 ? norm / $0 : 1 }
            let columnCount = input.shape.extents[1]
            for index in input.values.indices {
                input.values[index] *= Float(factors[index / columnCount])
            }
            for index in output.values.indices {
                output.values[index] /= Float(factors[index % factors.count])
            }
            restored.replace(name, with: input)
            restored.replace(partner, with: output)
        }
        return restored
    }

    private static func partner(of name: String) -> String? {
        guard name.hasSuffix(".lora_A.weight") else { return nil }
        return name.dropLast("lora_A.weight".count) + "lora_B.weight"
    }

    private static func rowNorms(of tensor: FloatTensor) -> [Double] {
        let columnCount = tensor.shape.extents[1]
        return (0..<tensor.shape.extents[0]).map { row in
            var squares = 0.0
            for index in row * columnCount..<(row + 1) * columnCount {
                squares += Double(tensor.values[index]) * Double(tensor.values[index])
            }
            return squares.squareRoot()
        }
    }
}
