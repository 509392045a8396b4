internal import CKernels

/// A view of row-major bfloat16 values inside a ``FloatBuffer``: the upper halves of Float32 values.
///
/// Products read them at twice the speed of Float32 where the processor has instructions for them.
/// As for ``Matrix``, a view keeps its buffer alive, and who writes is the callers' agreement.
@safe public struct BFloat16Matrix {
    /// The first element's bits.
    @unsafe public let base: UnsafeMutablePointer<UInt16>
    /// The number of rows.
    public let rowCount: Int
    /// The number of columns.
    public let columnCount: Int
    /// The distance between the starts of neighbouring rows, in elements; at least `columnCount`.
    public let stride: Int

    private let owner: FloatBuffer

    /// Views `rowCount` x `columnCount` elements from `base` on, which lie inside `owner`.
    init(
        base: UnsafeMutablePointer<UInt16>,
        rowCount: Int,
        columnCount: Int,
        stride: Int? = nil,
        owner: FloatBuffer
    ) {
        let stride = stride ?? columnCount
        precondition(
            rowCount >= 0 && columnCount >= 0 && stride >= columnCount,
            "\(rowCount) x \(columnCount) with stride \(stride)"
        )
        unsafe self.base = base
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.stride = stride
        self.owner = owner
    }

    /// The rows of a range.
    public func rows(_ range: Range<Int>) -> BFloat16Matrix {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= rowCount,
            "rows \(range) of \(rowCount)"
        )
        return unsafe BFloat16Matrix(
            base: base + range.lowerBound * stride,
            rowCount: range.count,
            columnCount: columnCount,
            stride: stride,
            owner: owner
        )
    }

    /// The columns of a range, in all rows.
    public func columns(_ range: Range<Int>) -> BFloat16Matrix {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= columnCount,
            "columns \(range) of \(columnCount)"
        )
        return unsafe BFloat16Matrix(
            base: base + range.lowerBound,
            rowCount: rowCount,
            columnCount: range.count,
            stride: stride,
            owner: owner
        )
    }

    /// Takes over values, each rounded to the nearest that there is.
    func store(_ values: Matrix) {
        unsafe sk_to_bf16_rows(values.base, values.stride, base, stride, rowCount, columnCount)
    }

    /// Writes the values, which Float32 holds exactly.
    func load(into values: Matrix) {
        unsafe sk_from_bf16_rows(base, stride, values.base, values.stride, rowCount, columnCount)
    }
}
