/// A view of row-major Float32 values.
public typealias Matrix = MatrixView<Float>

/// A view of row-major values inside a ``FloatBuffer``; rows may lie further apart than their
/// length.
///
/// A view keeps its buffer alive. Extents are checked when it is made; several views may show the
/// same values, and who writes them is the callers' agreement.
@safe public struct MatrixView<Element: BitwiseCopyable> {
    /// The first element.
    @unsafe public let base: UnsafeMutablePointer<Element>
    /// The number of rows.
    public let rowCount: Int
    /// The number of columns.
    public let columnCount: Int
    /// The distance between the starts of neighbouring rows, in elements; at least `columnCount`.
    public let stride: Int

    private let owner: FloatBuffer

    /// Views `rowCount` x `columnCount` elements from `base` on, which lie inside `owner`.
    init(
        base: UnsafeMutablePointer<Element>,
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
    public func rows(_ range: Range<Int>) -> MatrixView {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= rowCount,
            "rows \(range) of \(rowCount)"
        )
        return unsafe MatrixView(
            base: base + range.lowerBound * stride,
            rowCount: range.count,
            columnCount: columnCount,
            stride: stride,
            owner: owner
        )
    }

    /// The columns of a range, in all rows.
    public func columns(_ range: Range<Int>) -> MatrixView {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= columnCount,
            "columns \(range) of \(columnCount)"
        )
        return unsafe MatrixView(
            base: base + range.lowerBound,
            rowCount: rowCount,
            columnCount: range.count,
            stride: stride,
            owner: owner
        )
    }

    /// The extents, for messages.
    var extents: [Int] { [rowCount, columnCount] }
}

extension MatrixView<Float> {
    /// One element; both indices are checked.
    public subscript(row: Int, column: Int) -> Float {
        get { unsafe base[offset(row, column)] }
        nonmutating set { unsafe base[offset(row, column)] = newValue }
    }

    /// The elements in row order.
    public var values: [Float] {
        var result: [Float] = []
        result.reserveCapacity(rowCount * columnCount)
        for row in 0..<rowCount {
            unsafe result.append(
                contentsOf: UnsafeBufferPointer(start: base + row * stride, count: columnCount)
            )
        }
        return result
    }

    /// Sets every element.
    public func fill(_ value: Float) {
        for row in 0..<rowCount {
            unsafe (base + row * stride).update(repeating: value, count: columnCount)
        }
    }

    /// Takes over the elements of a matrix of the same extents that does not overlap this one.
    public func copy(from other: Matrix) {
        precondition(
            other.rowCount == rowCount && other.columnCount == columnCount,
            "\(other.rowCount) x \(other.columnCount) into \(rowCount) x \(columnCount)"
        )
        for row in 0..<rowCount {
            unsafe (base + row * stride)
                .update(from: other.base + row * other.stride, count: columnCount)
        }
    }

    /// Takes over as many values as there are elements, in row order.
    public func copy(from values: [Float]) {
        precondition(
            values.count == rowCount * columnCount,
            "\(values.count) values into \(rowCount) x \(columnCount)"
        )
        unsafe values.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            for row in 0..<rowCount {
                unsafe (base + row * stride)
                    .update(from: start + row * columnCount, count: columnCount)
            }
        }
    }

    private func offset(_ row: Int, _ column: Int) -> Int {
        precondition(
            row >= 0 && row < rowCount && column >= 0 && column < columnCount,
            "element \(row), \(column) of \(rowCount) x \(columnCount)"
        )
        return row * stride + column
    }
}
