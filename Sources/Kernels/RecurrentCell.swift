internal import CKernels

/// One step of a recurrent network for many rows at a time, between its matrix products.
///
/// Gates of a row lie in blocks of as many values as the state has. Where PyTorch has three blocks
/// for a GRU there are four here, because the candidate's gate multiplies only what comes from the
/// state: r, z, the state's part of the candidate, the input's part.
///
/// Source: Elman 1990; Cho et al. 2014, in the variant of PyTorch's `GRU`; Hochreiter and
/// Schmidhuber 1997 with the forget gate of Gers et al. 2000. Weights have PyTorch's gate order.
public enum RecurrentCell: String, Hashable, Sendable, CaseIterable {
    /// h' = tanh(x W^T + b + h U^T + c).
    case rnn
    /// Gates r, z and a candidate n: h' = (1 - z) n + z h.
    case gru
    /// Gates i, f, g, o and a second state c: c' = f c + i g, h' = o tanh(c').
    case lstm

    /// The blocks of PyTorch's weights and biases.
    public var gateCount: Int {
        switch self {
        case .rnn: 1
        case .gru: 3
        case .lstm: 4
        }
    }

    /// The blocks of a row of gates.
    public var blockCount: Int { self == .rnn ? 1 : 4 }

    /// Whether a second state runs along.
    public var hasMemory: Bool { self == .lstm }

    /// Which rows of the input's weight make which columns of the gates.
    func inputParts(stateCount count: Int) -> [(rows: Range<Int>, columns: Range<Int>)] {
        switch self {
        case .rnn: [(0..<count, 0..<count)]
        case .gru: [(0..<2 * count, 0..<2 * count), (2 * count..<3 * count, 3 * count..<4 * count)]
        case .lstm: [(0..<4 * count, 0..<4 * count)]
        }
    }

    /// Whether the state reaches the next one past all gates.
    var carriesState: Bool { self == .gru }

    /// Turns the sums of products into gates and the next state.
    ///
    /// Shape: `gates` [row, blocks x state], `bias` [1, blocks x state], states [row, state].
    func forward(
        gates: Matrix,
        bias: Matrix,
        state: (before: Matrix, after: Matrix),
        memory: (before: Matrix, after: Matrix)?,
        rounded: Operand
    ) {
        precondition(
            gates.columnCount == blockCount * state.after.columnCount
                && bias.extents == [1, gates.columnCount]
                && state.before.extents == state.after.extents
                && rounded.extents == state.after.extents
                && gates.rowCount == state.after.rowCount && (memory != nil) == hasMemory,
            "\(gates.extents) with bias \(bias.extents) into \(state.after.extents)"
        )
        ComputeThreads.split(rowCount: gates.rowCount) { range in
            let gates = gates.rows(range)
            let (before, after) = (state.before.rows(range), state.after.rows(range))
            var half: UnsafeMutablePointer<UInt16>?
            if case .bfloat16(let matrix) = rounded.rows(range) { unsafe half = matrix.base }
            let (rows, count) = (gates.rowCount, after.columnCount)
            switch self {
            case .rnn:
                unsafe sk_rnn_forward(
                    gates.base, gates.stride, bias.base, after.base, after.stride, half,
                    rounded.stride, rows, count)
            case .gru:
                unsafe sk_gru_forward(
                    gates.base, gates.stride, bias.base, before.base, before.stride, after.base,
                    after.stride, half, rounded.stride, rows, count)
            case .lstm:
                guard let memory else { return }
                let (old, new) = (memory.before.rows(range), memory.after.rows(range))
                unsafe sk_lstm_forward(
                    gates.base, gates.stride, bias.base, old.base, old.stride, new.base,
                    new.stride, after.base, after.stride, half, rounded.stride, rows, count)
            }
        }
    }

    /// Writes the gradient of the gates' sums.
    ///
    /// `stateGradient` becomes what the state before takes past the gates where
    /// ``carriesState`` says that there is such a way; `memoryGradient` becomes that of the memory before.
    ///
    /// Shape: as for ``forward(gates:bias:state:memory:rounded:)``; `gradient` may be `gates`.
    func backward(
        gates: Matrix,
        state: (before: Matrix, after: Matrix),
        memory: (before: Matrix, after: Matrix)?,
        stateGradient: Matrix,
        memoryGradient: Matrix?,
        into gradient: Operand
    ) {
        precondition(
            gates.extents == gradient.extents && stateGradient.extents == state.after.extents
                && gates.columnCount == blockCount * state.after.columnCount
                && (memory != nil) == hasMemory && (memoryGradient != nil) == hasMemory,
            "\(gates.extents) with \(stateGradient.extents) into \(gradient.extents)"
        )
        ComputeThreads.split(rowCount: gates.rowCount) { range in
            let (gates, gradient) = (gates.rows(range), gradient.rows(range))
            let (before, after) = (state.before.rows(range), state.after.rows(range))
            let gh = stateGradient.rows(range)
            let (rows, count) = (gates.rowCount, after.columnCount)
            switch self {
            case .rnn:
                unsafe sk_rnn_backward(
                    after.base, after.stride, gh.base, gh.stride, gradient.base, gradient.stride,
                    rows, count, gradient.isHalf)
            case .gru:
                unsafe sk_gru_backward(
                    gates.base, gates.stride, before.base, before.stride, gh.base, gh.stride,
                    gradient.base, gradient.stride, rows, count, gradient.isHalf)
            case .lstm:
                guard let memory, let gc = memoryGradient?.rows(range) else { return }
                let (old, new) = (memory.before.rows(range), memory.after.rows(range))
                unsafe sk_lstm_backward(
                    gates.base, gates.stride, old.base, old.stride, new.base, new.stride, gh.base,
                    gh.stride, gc.base, gc.stride, gradient.base, gradient.stride, rows, count,
                    gradient.isHalf)
            }
        }
    }
}
