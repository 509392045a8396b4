/// Tensors under unique names, always in ascending order of the names' UTF-8 bytes.
///
/// The fixed order makes bytes, digests and sums over a whole adapter the same on every node.
public struct NamedTensors: Hashable, Sendable {
    /// One tensor and its name.
    public struct Element: Hashable, Sendable {
        /// The name, unique in its collection.
        public let name: String
        /// The tensor.
        public var tensor: FloatTensor

        /// Pairs a name with a tensor.
        public init(name: String, tensor: FloatTensor) {
            self.name = name
            self.tensor = tensor
        }
    }

    /// The elements in ascending order of their names' UTF-8 bytes.
    public private(set) var elements: [Element]

    /// Sorts elements whose names are unique.
    public init(_ elements: [Element] = []) {
        self.elements = elements.sorted { Self.precedes($0.name, $1.name) }
        for (left, right) in zip(self.elements, self.elements.dropFirst()) {
            precondition(left.name != right.name, "the name \(left.name) occurs twice")
        }
    }

    /// The order of names: by UTF-8 bytes, which unlike `String`'s own order knows no locale and
    /// no canonical equivalence.
    public static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// The names in order.
    public var names: [String] { elements.map(\.name) }

    /// The number of elements of all tensors together.
    public var elementCount: Int {
        elements.reduce(0) { $0 + $1.tensor.shape.elementCount }
    }

    /// The tensor of that name, or `nil`.
    ///
    /// - Complexity: O(log n) comparisons of names.
    public subscript(name: String) -> FloatTensor? {
        index(of: name).map { elements[$0].tensor }
    }

    /// Replaces the tensor of that name, which must be present with the same shape.
    public mutating func replace(_ name: String, with tensor: FloatTensor) {
        guard let index = index(of: name) else {
            preconditionFailure("no tensor is named \(name)")
        }
        precondition(
            elements[index].tensor.shape == tensor.shape,
            "\(name) has shape \(elements[index].tensor.shape), not \(tensor.shape)"
        )
        elements[index].tensor = tensor
    }

    /// Whether both hold the same names with the same shapes.
    public func hasSameLayout(as other: NamedTensors) -> Bool {
        elements.count == other.elements.count
            && zip(elements, other.elements).allSatisfy {
                $0.name == $1.name && $0.tensor.shape == $1.tensor.shape
            }
    }

    /// The element-wise difference to tensors of the same layout.
    public func subtracting(_ other: NamedTensors) -> NamedTensors {
        precondition(hasSameLayout(as: other), "the two have other names or shapes")
        return NamedTensors(
            zip(elements, other.elements).map { left, right in
                Element(
                    name: left.name,
                    tensor: FloatTensor(
                        shape: left.tensor.shape,
                        values: zip(left.tensor.values, right.tensor.values).map { $0 - $1 }
                    )
                )
            }
        )
    }

    private func index(of name: String) -> Int? {
        var low = 0
        var high = elements.count
        while low < high {
            let middle = (low + high) / 2
            if Self.precedes(elements[middle].name, name) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < elements.count && elements[low].name == name ? low : nil
    }
}
