import Kernels
import Tensors

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

extension Sample {
    /// Blocks of any bytes whose numbers are finite.
    mutating func encoded(_ type: ElementType, elementCount: Int) -> [UInt8] {
        let count = elementCount / type.blockElementCount * type.blockByteCount
        var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: bits()) }
        // Keep exponents away from infinity, where formats of floats have no numbers.
        for start in stride(from: 0, to: count, by: type.blockByteCount) {
            for offset in type.halfOffsets { bytes[start + offset + 1] &= 0xBB }
        }
        return bytes
    }
}

extension ElementType {
    /// Where a block has its binary16 numbers, or the upper halves of larger ones.
    var halfOffsets: [Int] {
        switch self {
        case .float32: [2]
        case .float16, .bfloat16, .q4_0, .q5_0, .q8_0: [0]
        case .q4_1, .q5_1, .q4_K, .q5_K: [0, 2]
        case .q6_K: [208]
        }
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

/// A matrix of either type, the memory that it views, and what it holds after rounding.
struct OwnedOperand {
    let operand: Operand
    private let gap: Operand

    /// Puts `gap` columns of other values behind each row, which nobody may change.
    init(_ reference: ReferenceMatrix, _ type: ComputeType, gap: Int = 0) {
        let columns = reference.columnCount + gap
        let room = FloatBuffer.room(rows: reference.rowCount, columns: columns, type: type)
        let whole = FloatBuffer(count: room)
            .take(rows: reference.rowCount, columns: columns, type: type)
        whole.store(OwnedMatrix(reference.rowCount, columns, filledWith: 77).matrix)
        operand = whole.columns(0..<reference.columnCount)
        operand.store(OwnedMatrix(reference).matrix)
        self.gap = whole.columns(reference.columnCount..<columns)
    }

    init(_ rows: Int, _ columns: Int, _ type: ComputeType, gap: Int = 0) {
        self.init(ReferenceMatrix(rows, columns), type, gap: gap)
    }

    /// The values as the operand has them now.
    var reference: ReferenceMatrix { operand.reference }

    var gapIsUntouched: Bool { gap.values.allSatisfy { $0 == 77 } }
}

extension Operand {
    var reference: ReferenceMatrix {
        ReferenceMatrix(rowCount, columnCount, values: values.map { Double($0) })
    }
}

extension ComputeType {
    /// How far a result in this type may be from that of doubles, in units of its largest value,
    /// where each value was rounded once.
    var tolerance: Double { self == .float32 ? 1e-5 : 1.0 / 256 }
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

func distance(_ operand: Operand, _ reference: ReferenceMatrix) -> Double {
    guard
        operand.rowCount == reference.rowCount, operand.columnCount == reference.columnCount
    else { return .infinity }
    return distance(operand.values.map { Double($0) }, reference.values)
}
