internal import Kernels

/// What a READ adapter keeps of the hidden states of one pass, and what a chunk of rows computes
/// with.
///
/// The normed states lie chunk by chunk and in each by depth, so that a chunk's are one matrix for
/// the network: [depth x row, channel].
struct READMemory {
    /// The depths whose states are kept: 0 where the first state comes from the embedding, then those
    /// behind the adapted layers.
    let depths: [Int]
    let stepCount: Int
    private(set) var rows: [Int] = []
    private(set) var chunkRowCount = 1
    private(set) var type = ComputeType.float32
    private(set) var states = FloatBuffer(count: 0)
    private(set) var chunk = FloatBuffer(count: 0)
    private(set) var weights = FloatBuffer(count: 0)
    private let configuration: READConfiguration
    private let hiddenSize: Int

    init(configuration: READConfiguration, hiddenSize: Int, layerCount: Int) {
        let layers = configuration.layers(of: layerCount)
        depths = (configuration.startsFromEmbedding ? [0] : []) + layers.map { $0 + 1 }
        stepCount = layers.count
        self.configuration = configuration
        self.hiddenSize = hiddenSize
    }

    /// Makes room for a pass; buffers that are large enough stay.
    mutating func begin(rows: [Int], chunkRowCount: Int, type: ComputeType) {
        self.rows = rows
        self.chunkRowCount = chunkRowCount
        self.type = type
        let counts = valueCounts(rowCount: rows.count, chunkRowCount: chunkRowCount, type: type)
        Self.grow(&states, to: counts.states)
        Self.grow(&chunk, to: counts.chunk)
        Self.grow(&weights, to: counts.weights)
    }

    /// The Float32 values' worth of room that a pass takes.
    func valueCounts(
        rowCount: Int,
        chunkRowCount: Int,
        type: ComputeType
    ) -> (states: Int, chunk: Int, weights: Int) {
        let chunkRows = min(rowCount, chunkRowCount)
        let state = configuration.stateSize
        var chunk = extents(rowCount: chunkRows, type: type).valueCount
        // The gradient of z; z itself and the output's gradient as products read them.
        chunk += FloatBuffer.room(rows: chunkRows, columns: state)
        chunk += FloatBuffer.room(rows: chunkRows, columns: state, type: type)
        chunk += FloatBuffer.room(rows: chunkRows, columns: hiddenSize, type: type)
        return (
            FloatBuffer.room(rows: rowCount * depths.count, columns: hiddenSize, type: type),
            chunk,
            READWeights.valueCount(configuration, hiddenSize: hiddenSize, type: type)
        )
    }

    /// The bytes of the buffers as they stand.
    var byteCount: Int { 4 * (states.count + chunk.count + weights.count) }

    /// The sizes of a network's run over a chunk.
    func extents(rowCount: Int, type: ComputeType) -> RecurrentBuffers.Extents {
        RecurrentBuffers.Extents(
            cell: configuration.cell,
            stateCount: configuration.stateSize,
            stepCount: stepCount,
            rowCount: rowCount,
            type: type
        )
    }

    /// The normed states of a chunk: [depth x row, channel].
    func states(of chunk: Range<Int>) -> Operand {
        states.operand(
            atElement: chunk.lowerBound * depths.count * hiddenSize,
            rows: depths.count * chunk.count,
            columns: hiddenSize,
            type: type
        )
    }

    /// Calls for every run of neighbouring rows with where the state of a depth is to stand.
    func forEachRun(depthIndex: Int, _ body: (_ rows: Range<Int>, _ states: Operand) -> Void) {
        var lower = 0
        while lower < rows.count {
            let chunkStart = lower / chunkRowCount * chunkRowCount
            let chunk = chunkStart..<min(chunkStart + chunkRowCount, rows.count)
            var upper = lower + 1
            while upper < chunk.upperBound, rows[upper] == rows[upper - 1] + 1 { upper += 1 }
            let first = depthIndex * chunk.count - chunk.lowerBound
            body(
                rows[lower]..<rows[upper - 1] + 1,
                states(of: chunk).rows(first + lower..<first + upper)
            )
            lower = upper
        }
    }

    private static func grow(_ buffer: inout FloatBuffer, to count: Int) {
        guard buffer.count < count else { return }
        // The old one goes before the new one comes.
        buffer = FloatBuffer(count: 0)
        buffer = FloatBuffer(count: count)
    }
}
