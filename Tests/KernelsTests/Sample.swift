import Kernels

/// Reproducible values for tests.
struct Sample {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    }

    mutating func bits() -> UInt32 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt32(truncatingIfNeeded: state >> 33)
    }

    /// A value of [-1, 1) that Float32 holds exactly.
    mutating func unit() -> Double {
        Double(Int(bits() >> 8) - (1 << 22)) / Double(1 << 22)
    }

    mutating func matrix(_ rows: Int, _ columns: Int) -> ReferenceMatrix {
        ReferenceMatrix(rows, columns, values: (0..<rows * columns).map { _ in unit() })
    }
}

/// A matrix and the memory that it views.
struct OwnedMatrix {
    let buffer: FloatBuffer
    let matrix: Matrix

    /// Puts `gap` columns of other values behind each row, which nobody may change.
    init(_ reference: ReferenceMatrix, gap: Int = 0) {
        let columns = reference.columnCount + gap
        buffer = FloatBuffer(count: reference.rowCount * columns)
        let whole = buffer.take(rows: reference.rowCount, columns: columns)
        whole.fill(77)
        matrix = whole.columns(0..<reference.columnCount)
        matrix.copy(from: reference.values.map { Float($0) })
    }

    init(_ rows: Int, _ columns: Int, filledWith value: Double = 0) {
        self.init(
            ReferenceMatrix(
                rows, columns, values: [Double](repeating: value, count: rows * columns)))
    }

    /// The matrix as products take it.
    var operand: Operand { .float32(matrix) }
}

/// The largest difference in units of the largest value, which counts as 0.05 at least.
func distance(_ matrix: Matrix, _ reference: ReferenceMatrix) -> Double {
    guard
        matrix.rowCount == reference.rowCount, matrix.columnCount == reference.columnCount
    else { return .infinity }
    return distance(matrix.values.map { Double($0) }, reference.values)
}

func distance(_ left: [Double], _ right: [Double]) -> Double {
    guard left.count == right.count else { return .infinity }
    let size = max(0.05, right.map(abs).max() ?? 0)
    return zip(left, right).reduce(0) {
        let difference = abs($1.0 - $1.1)
        return difference.isNaN ? .infinity : max($0, difference / size)
    }
}

/// The gradient of sum(f(x) * weights) by central differences.
func finiteDifferences(
    of f: (ReferenceMatrix) -> ReferenceMatrix,
    at x: ReferenceMatrix,
    weights: ReferenceMatrix
) -> ReferenceMatrix {
    var gradient = x
    let step = 1e-5
    func value(_ x: ReferenceMatrix) -> Double {
        zip(f(x).values, weights.values).reduce(0) { $0 + $1.0 * $1.1 }
    }
    for index in x.values.indices {
        var moved = x
        moved.values[index] = x.values[index] + step
        let above = value(moved)
        moved.values[index] = x.values[index] - step
        gradient.values[index] = (above - value(moved)) / (2 * step)
    }
    return gradient
}
