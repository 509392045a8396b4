internal import Tensors

/// Which directions of which tensors a member trains and sends in a round.
public struct TensorSelection: Hashable, Sendable {
    /// One tensor's part.
    public struct Entry: Hashable, Sendable {
        /// The tensor.
        public let name: String
        /// The axis of its directions: 0 for A, 1 for B, `nil` for a lone tensor.
        public let axis: Int?
        /// The directions, ascending; `nil` for the whole tensor.
        public let directions: [Int]?
        let shape: Shape

        var held: HeldShape { HeldShape(shape: shape, axis: axis, directions: directions) }
    }

    /// The entries in the order of the layout; a tensor that is not named is not trained.
    public let entries: [Entry]

    /// The part of a tensor; `nil` if it is not trained.
    public subscript(name: String) -> Entry? {
        entries.first { $0.name == name }
    }
}

/// What a device can train of an adapter.
public struct TrainingCapacity: Hashable, Sendable {
    /// The most directions of each pair; 0 for none.
    public var rank: Int
    /// The tensors that the device holds; `nil` for all.
    ///
    /// A pair counts as held if both its halves are.
    public var heldNames: Set<String>?

    /// A device that trains that many directions of these tensors.
    public init(rank: Int, heldNames: Set<String>? = nil) {
        self.rank = rank
        self.heldNames = heldNames
    }
}
