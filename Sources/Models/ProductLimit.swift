public import Checkpoints
public import Kernels
internal import Tensors

/// The matrix products of a pass through a model's frozen weights and nothing else: no training
/// step can be faster.
///
/// One layer's weights stand for all layers, with values that cost as much as any.
public final class ProductLimit {
    /// The rows of a pass.
    public let rowCount: Int
    /// The type that the products read.
    public let type: ComputeType

    private let layerCount: Int
    private let weights: [Operand]
    private let head: Operand
    private let widest: Int
    private let buffer: FloatBuffer

    /// Makes room for the products of `rowCount` rows.
    public init(_ configuration: ModelConfiguration, rowCount: Int, type: ComputeType) {
        self.rowCount = rowCount
        self.type = type
        layerCount = configuration.layerCount
        let groups = ProjectionSite.allCases.map { site in
            let shapes = site.projections.map { $0.weightShape(in: configuration).extents }
            return (shapes.reduce(0) { $0 + $1[0] }, shapes[0][1])
        }
        let table = (configuration.vocabularySize, configuration.hiddenSize)
        func make(_ extents: (rows: Int, columns: Int)) -> Operand {
            let count = FloatBuffer.room(rows: extents.rows, columns: extents.columns, type: type)
            let buffer = FloatBuffer(count: count)
            buffer.clear()
            return buffer.take(rows: extents.rows, columns: extents.columns, type: type)
        }
        weights = groups.map(make)
        head = make(table)
        widest = max(table.0, groups.flatMap { [$0.0, $0.1] }.max() ?? 0)
        buffer = FloatBuffer(count: 2 * rowCount * widest + 64)
        buffer.clear()
    }

    /// The floating-point operations of ``run(trains:)``: 2 per weight and row, and as many again for
    /// the gradients of the inputs.
    public func operationCount(trains: Bool) -> Int {
        let elements =
            layerCount * weights.reduce(0) { $0 + $1.rowCount * $1.columnCount }
            + head.rowCount * head.columnCount
        return 2 * rowCount * elements * (trains ? 2 : 1)
    }

    /// Computes all products once.
    public func run(trains: Bool) {
        for _ in 0..<layerCount { weights.forEach { multiply($0, trains: trains) } }
        multiply(head, trains: trains)
    }

    private func multiply(_ weight: Operand, trains: Bool) {
        let room = rowCount * widest
        let x = buffer.operand(
            atElement: 0, rows: rowCount, columns: weight.columnCount, type: type)
        let y = buffer.matrix(at: room, rows: rowCount, columns: weight.rowCount)
        MatrixProduct.multiplyTransposed(x, weight, into: y)
        guard trains else { return }
        let gy = buffer.operand(atElement: 0, rows: rowCount, columns: weight.rowCount, type: type)
        let gx = buffer.matrix(at: room, rows: rowCount, columns: weight.columnCount)
        MatrixProduct.multiply(gy, weight, into: gx)
    }
}
