internal import CKernels

/// What is added to some columns of a product's result: a product of two thin factors, or values
/// that are there already.
///
/// Handed along with the larger product, so that each part of the result takes the term while it is
/// still in the cache.
public struct LowRankTerm {
    private enum Kind {
        /// left right, or left right^T.
        case product(left: Operand, right: Operand, transposes: Bool)
        case values(Matrix)
    }

    /// The columns of the result that the term belongs to.
    private let columns: Range<Int>
    private let kind: Kind

    /// left right^T: how an adapter's B meets its state.
    ///
    /// Shape: [row, rank], [column, rank].
    public init(columns: Range<Int>, left: Operand, timesTransposed right: Operand) {
        precondition(
            right.rowCount == columns.count && left.columnCount == right.columnCount,
            "\(left.extents) times \(right.extents) transposed for \(columns)"
        )
        self.columns = columns
        kind = .product(left: left, right: right, transposes: true)
    }

    /// left right: how a gradient goes through an adapter's A.
    ///
    /// Shape: [row, rank], [rank, column].
    public init(left: Operand, times right: Operand) {
        precondition(
            left.columnCount == right.rowCount,
            "\(left.extents) times \(right.extents)"
        )
        columns = 0..<right.columnCount
        kind = .product(left: left, right: right, transposes: false)
    }

    /// Values for every column.
    ///
    /// Shape: that of the result.
    public init(adding values: Matrix) {
        columns = 0..<values.columnCount
        kind = .values(values)
    }

    private init(columns: Range<Int>, kind: Kind) {
        self.columns = columns
        self.kind = kind
    }

    /// The term for some rows of the result.
    func rows(_ range: Range<Int>) -> LowRankTerm {
        switch kind {
        case .product(let left, let right, let transposes):
            let rows = Kind.product(left: left.rows(range), right: right, transposes: transposes)
            return LowRankTerm(columns: columns, kind: rows)
        case .values(let values):
            return LowRankTerm(columns: columns, kind: .values(values.rows(range)))
        }
    }

    /// Adds what falls into a range of the result's columns, on the calling thread.
    func add(to result: Matrix, columns range: Range<Int>) {
        let common = range.clamped(to: columns)
        guard !common.isEmpty else { return }
        let own = common.lowerBound - columns.lowerBound..<common.upperBound - columns.lowerBound
        let target = result.columns(common)
        switch kind {
        case .product(let left, let right, let transposes):
            Product(transposesB: transposes, adds: true)(
                left, transposes ? right.rows(own) : right.columns(own), target)
        case .values(let values):
            let source = values.columns(own)
            precondition(source.extents == target.extents, "\(values.extents) onto rows")
            unsafe sk_add_rows(
                target.base, target.stride, source.base, source.stride, target.rowCount,
                target.columnCount)
        }
    }
}
