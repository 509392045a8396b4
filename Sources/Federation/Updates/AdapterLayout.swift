public import Tensors

/// The names and shapes that the adapter of a federation has, in ascending order of the names'
/// UTF-8 bytes.
public struct AdapterLayout: Hashable, Sendable {
    /// One tensor's place.
    public struct Entry: Hashable, Sendable {
        /// The tensor's name.
        public let name: String
        /// Its extents.
        public let shape: Shape
    }

    /// The entries in order.
    public let entries: [Entry]
    private let indices: [String: Int]

    /// The layout of an adapter.
    public init(of tensors: NamedTensors) {
        self.init(
            entries: tensors.elements.map { Entry(name: $0.name, shape: $0.tensor.shape) })
    }

    private init(entries: [Entry]) {
        self.entries = entries
        indices = Dictionary(
            uniqueKeysWithValues: entries.enumerated().map { ($0.element.name, $0.offset) })
    }

    /// The number of elements of all tensors.
    public var elementCount: Int { entries.reduce(0) { $0 + $1.shape.elementCount } }

    /// The shape of the tensor of that name; `nil` if there is none.
    public func shape(of name: String) -> Shape? {
        indices[name].map { entries[$0].shape }
    }

    /// The bytes of an update object that holds every tensor of this layout: what a manifest's
    /// `updateByteCountMax` has to allow.
    public var updateByteCount: Int {
        entries.reduce(AdapterUpdateCodec.headerByteCount) { sum, entry in
            sum + 4 + entry.name.utf8.count + 4 + 4 * entry.shape.extents.count + 4
                + 4 * entry.shape.elementCount
        }
    }
}
