/// A rule that needs to know no more of updates than their sum: what a secure round can carry out.
///
/// Conforming types give the same outcome, bit for bit, whether they are given the updates one by
/// one or their sums.
public protocol LinearAggregator: Aggregator {
    /// Adds what some members' updates come to, as if each had been added by itself.
    mutating func add(sums: RingSums)
}

/// Updates in sum, tensor by tensor, exact in the ring of 2^32.
public struct RingSums: Hashable, Sendable {
    /// One tensor's sums.
    struct Tensor: Hashable, Sendable {
        /// The place of the tensor in the layout.
        let index: Int
        /// The sum of the weights of those who hold a direction, for each direction; one for a
        /// tensor without.
        let weights: [UInt64]
        /// The sums of the elements, of the whole tensor, row-major.
        let words: [UInt32]
    }

    /// The tensors that the round trains, in order of the layout.
    let tensors: [Tensor]
}
