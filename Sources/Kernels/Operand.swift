internal import Glibc

/// The type of the values that products read; sums are Float32 either way.
public enum ComputeType: String, Hashable, Sendable, CaseIterable {
    /// Float32 throughout.
    case float32 = "f32"
    /// bfloat16, with 8 bits of mantissa.
    case bfloat16 = "bf16"

    /// The bytes of one value.
    public var byteCount: Int { self == .float32 ? 4 : 2 }
}

/// A matrix that products read, in the type they compute with.
public enum Operand {
    /// Float32 values.
    case float32(Matrix)
    /// bfloat16 values.
    case bfloat16(BFloat16Matrix)

    /// The type of the values.
    public var type: ComputeType {
        switch self {
        case .float32: .float32
        case .bfloat16: .bfloat16
        }
    }

    /// The number of rows.
    public var rowCount: Int {
        switch self {
        case .float32(let matrix): matrix.rowCount
        case .bfloat16(let matrix): matrix.rowCount
        }
    }

    /// The number of columns.
    public var columnCount: Int {
        switch self {
        case .float32(let matrix): matrix.columnCount
        case .bfloat16(let matrix): matrix.columnCount
        }
    }

    /// The distance between rows in elements.
    var stride: Int {
        switch self {
        case .float32(let matrix): matrix.stride
        case .bfloat16(let matrix): matrix.stride
        }
    }

    /// The extents, for messages.
    var extents: [Int] { [rowCount, columnCount] }

    /// The first element, for kernels that take either type.
    @unsafe var base: UnsafeMutableRawPointer {
        switch self {
        case .float32(let matrix): unsafe UnsafeMutableRawPointer(matrix.base)
        case .bfloat16(let matrix): unsafe UnsafeMutableRawPointer(matrix.base)
        }
    }

    /// What kernels take as their flag for bfloat16.
    var isHalf: Int32 { type == .bfloat16 ? 1 : 0 }

    /// The rows of a range.
    public func rows(_ range: Range<Int>) -> Operand {
        switch self {
        case .float32(let matrix): .float32(matrix.rows(range))
        case .bfloat16(let matrix): .bfloat16(matrix.rows(range))
        }
    }

    /// The columns of a range, in all rows.
    public func columns(_ range: Range<Int>) -> Operand {
        switch self {
        case .float32(let matrix): .float32(matrix.columns(range))
        case .bfloat16(let matrix): .bfloat16(matrix.columns(range))
        }
    }

    /// Takes over values of the same extents, rounded where the type asks for it.
    ///
    /// - Complexity: O(elements).
    public func store(_ values: Matrix) {
        precondition(values.extents == extents, "\(values.extents) into \(extents)")
        ComputeThreads.split(rowCount: rowCount) { range in
            switch self {
            case .float32(let matrix): matrix.rows(range).copy(from: values.rows(range))
            case .bfloat16(let matrix): matrix.rows(range).store(values.rows(range))
            }
        }
    }

    /// Writes the values as Float32 into a matrix of the same extents.
    ///
    /// - Complexity: O(elements).
    public func load(into values: Matrix) {
        precondition(values.extents == extents, "\(extents) into \(values.extents)")
        ComputeThreads.split(rowCount: rowCount) { range in
            switch self {
            case .float32(let matrix): values.rows(range).copy(from: matrix.rows(range))
            case .bfloat16(let matrix): matrix.rows(range).load(into: values.rows(range))
            }
        }
    }

    /// Takes over the elements of an operand of the same type and extents.
    public func copy(from other: Operand) {
        precondition(
            other.extents == extents && other.type == type,
            "\(other.extents) of \(other.type) into \(extents) of \(type)"
        )
        let byteCount = columnCount * type.byteCount
        for row in 0..<rowCount {
            unsafe memcpy(
                base + row * stride * type.byteCount,
                other.base + row * other.stride * type.byteCount, byteCount)
        }
    }

    /// The values in row order, as Float32.
    public var values: [Float] {
        switch self {
        case .float32(let matrix): return matrix.values
        case .bfloat16(let matrix):
            let buffer = FloatBuffer(count: rowCount * columnCount)
            let copy = buffer.take(rows: rowCount, columns: columnCount)
            matrix.load(into: copy)
            return copy.values
        }
    }
}
