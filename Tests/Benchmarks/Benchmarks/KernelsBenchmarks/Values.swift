import Kernels
import Tensors

/// Values that are neither equal nor denormal, the same in every run.
enum Values {
    static func matrix(_ rowCount: Int, _ columnCount: Int, scale: Float = 1) -> Matrix {
        let matrix = FloatBuffer(count: rowCount * columnCount)
            .take(rows: rowCount, columns: columnCount)
        var state: UInt32 = 1
        matrix.copy(
            from: (0..<rowCount * columnCount).map { _ in
                state = state &* 1_664_525 &+ 1_013_904_223
                return scale * (Float(state >> 8) / Float(1 << 23) - 1)
            })
        return matrix
    }

    static func operand(
        _ rowCount: Int,
        _ columnCount: Int,
        type: ComputeType,
        scale: Float = 1
    ) -> Operand {
        let operand = FloatBuffer(
            count: FloatBuffer.room(rows: rowCount, columns: columnCount, type: type)
        ).take(rows: rowCount, columns: columnCount, type: type)
        operand.store(matrix(rowCount, columnCount, scale: scale))
        return operand
    }

    /// A weight as a file in `element` gives it, kept as `storage` says.
    static func weight(
        _ rowCount: Int,
        _ columnCount: Int,
        element: ElementType,
        storage: FrozenWeight.Storage
    ) -> FrozenWeight {
        let weight = FrozenWeight(
            parts: [(rowCount: rowCount, type: element)], columnCount: columnCount,
            storage: storage)
        let bytes = Quantizer.convert(
            matrix(rowCount, columnCount, scale: 0.05), elementType: element)
        let isFinite = unsafe bytes.withUnsafeBytes { bytes in
            unsafe weight.fill(rows: 0..<rowCount, from: bytes, type: element)
        }
        precondition(isFinite, "a weight of \(element) that is not finite")
        return weight
    }
}

extension ComputeType {
    /// The name in benchmarks.
    var name: String { rawValue }
}
