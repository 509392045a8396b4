/// What a recurrent network keeps of one run: its gates and states.
public struct RecurrentBuffers {
    /// The sizes of a run.
    public struct Extents: Hashable, Sendable {
        /// The kind of step.
        public var cell: RecurrentCell
        /// The values of a state.
        public var stateCount: Int
        /// The steps.
        public var stepCount: Int
        /// The rows, each with a run of its own.
        public var rowCount: Int
        /// The type that products read.
        public var type: ComputeType

        /// Makes extents.
        public init(
            cell: RecurrentCell,
            stateCount: Int,
            stepCount: Int,
            rowCount: Int,
            type: ComputeType
        ) {
            self.cell = cell
            self.stateCount = stateCount
            self.stepCount = stepCount
            self.rowCount = rowCount
            self.type = type
        }

        /// The Float32 values' worth of room that a run takes, with its backward pass.
        ///
        /// With n states in r rows over s steps and g blocks of gates: 4 (s g + (s + 1) + 1) n r bytes, for
        /// an LSTM (s + 1) + 1 more; as much as s g + (s + 1) in 2 bytes each where products
        /// read bfloat16.
        public var valueCount: Int {
            let gates = cell.blockCount * stateCount
            var count = FloatBuffer.room(rows: stepCount * rowCount, columns: gates)
            count += FloatBuffer.room(rows: (stepCount + 1) * rowCount, columns: stateCount)
            count += FloatBuffer.room(rows: rowCount, columns: stateCount)
            if cell.hasMemory {
                count += FloatBuffer.room(rows: (stepCount + 1) * rowCount, columns: stateCount)
                count += FloatBuffer.room(rows: rowCount, columns: stateCount)
            }
            guard type == .bfloat16 else { return count }
            count += FloatBuffer.room(rows: stepCount * rowCount, columns: gates, type: type)
            return count
                + FloatBuffer.room(
                    rows: (stepCount + 1) * rowCount, columns: stateCount, type: type)
        }
    }

    let cell: RecurrentCell
    /// The number of steps.
    public let stepCount: Int
    private let rowCount: Int
    /// Shape: [step x row, blocks x state].
    let gates: Matrix
    /// The first state, then that after each step: [(step + 1) x row, state].
    public let states: Matrix
    /// The same as products read them.
    let roundedStates: Operand
    /// The same of an LSTM's memory.
    let memories: Matrix?
    /// Of the gates' sums; over the gates themselves in Float32.
    let gateGradients: Operand
    let stateGradient: Matrix
    let memoryGradient: Matrix?
    /// Whether the first states are 0, which saves their products.
    private(set) var startsAtZero = false

    /// Takes ``Extents/valueCount`` values of room; the first states are to be set.
    public init(_ extents: Extents, from buffer: FloatBuffer) {
        let gateCount = extents.cell.blockCount * extents.stateCount
        let stateRows = (extents.stepCount + 1) * extents.rowCount
        cell = extents.cell
        stepCount = extents.stepCount
        rowCount = extents.rowCount
        gates = buffer.take(rows: stepCount * rowCount, columns: gateCount)
        states = buffer.take(rows: stateRows, columns: extents.stateCount)
        stateGradient = buffer.take(rows: rowCount, columns: extents.stateCount)
        memories =
            cell.hasMemory ? buffer.take(rows: stateRows, columns: extents.stateCount) : nil
        memoryGradient =
            cell.hasMemory ? buffer.take(rows: rowCount, columns: extents.stateCount) : nil
        switch extents.type {
        case .float32:
            gateGradients = .float32(gates)
            roundedStates = .float32(states)
        case .bfloat16:
            gateGradients = buffer.take(
                rows: stepCount * rowCount, columns: gateCount, type: extents.type)
            roundedStates = buffer.take(
                rows: stateRows, columns: extents.stateCount, type: extents.type)
        }
    }

    /// Sets the first states to 0.
    public mutating func clearFirstState() {
        state(0).fill(0)
        finishFirstState()
        startsAtZero = true
    }

    /// Makes what was written to the first of ``states`` ready for the run; an LSTM's memory begins
    /// at 0.
    public mutating func finishFirstState() {
        startsAtZero = false
        memories?.rows(range(0)).fill(0)
        if case .bfloat16 = roundedStates { rounded(0).store(state(0)) }
    }

    /// The states after `step` steps: [row, state].
    public func state(_ step: Int) -> Matrix { states.rows(range(step)) }

    /// The same as products read them.
    public func rounded(_ step: Int) -> Operand { roundedStates.rows(range(step)) }

    func gates(_ step: Int) -> Matrix { gates.rows(range(step)) }

    func gateGradient(_ step: Int) -> Operand { gateGradients.rows(range(step)) }

    func memories(around step: Int) -> (before: Matrix, after: Matrix)? {
        memories.map { ($0.rows(range(step)), $0.rows(range(step + 1))) }
    }

    /// The rows of a step.
    func range(_ step: Int) -> Range<Int> {
        step * rowCount..<(step + 1) * rowCount
    }
}
