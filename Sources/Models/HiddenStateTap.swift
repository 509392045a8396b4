public import Kernels

/// What an adapter implements to correct a model's last hidden state from those of all layers.
///
/// The model runs forward only and keeps no activations: the tap copies what it needs of each
/// hidden state as it passes, and afterwards sees the last one, before the final norm, a chunk of
/// rows at a time. Calls come from one thread, in this order: `begin`, `take` for every depth, then
/// for each chunk `correct` and, in training, `accumulateGradients`.
public protocol HiddenStateTap: AnyObject {
    /// What changes the layers that the tap looks at, forward only; it keeps no states.
    ///
    /// `nil` unless an adapter says otherwise.
    var projections: (any ProjectionTap)? { get }

    /// Readies the parameters and the memory for one pass.
    ///
    /// - Parameters:
    ///   - rows: the rows of the hidden states whose last one is wanted, in ascending order; the
    ///     chunks' rows count along this list.
    ///   - chunkRowCount: the most rows of a chunk; all chunks but the last have as many.
    ///   - type: the type that products read.
    ///   - trains: whether gradients are wanted.
    func begin(rows: [Int], chunkRowCount: Int, type: ComputeType, trains: Bool)

    /// Hands out a hidden state.
    ///
    /// - Parameters:
    ///   - stream: Shape: [row, channel], with all rows of the pass; only valid during the call.
    ///   - depth: 0 for the embedding, i for what the i-th layer leaves.
    func take(_ stream: Matrix, depth: Int)

    /// Changes the last hidden state of a chunk.
    ///
    /// - Parameters:
    ///   - hidden: Shape: [row, channel].
    ///   - rows: which of the wanted rows they are.
    func correct(_ hidden: Matrix, rows: Range<Int>)

    /// Adds the gradients of the tap's parameters to its own buffer, right after the same chunk's
    /// `correct`.
    ///
    /// - Parameters:
    ///   - gradient: of the changed hidden state. Shape: [row, channel].
    ///   - rows: which of the wanted rows they are.
    func accumulateGradients(_ gradient: Matrix, rows: Range<Int>)

    /// The bytes that the tap takes besides its parameters in a training pass over as many wanted
    /// rows.
    func passByteCount(rowCount: Int, chunkRowCount: Int, type: ComputeType) -> Int
}

extension HiddenStateTap {
    /// Nothing.
    public var projections: (any ProjectionTap)? { nil }
}

/// Where an adapter meets a model.
public enum ModelTap {
    /// At the projections of the layers; gradients go back through the model.
    case projections(any ProjectionTap)
    /// Behind the last layer; nothing goes back through the layers.
    case hiddenStates(any HiddenStateTap)
}
