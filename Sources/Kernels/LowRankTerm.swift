/// A product of two thin factors that is added to some columns of a larger product's result.
///
/// Handed along with the larger product, so that each part of the result takes the term while it is
/// still in the cache.
public struct LowRankTerm {
    /// The columns of the result that the term belongs to.
    let columns: Range<Int>
    /// Shape: [row, rank].
    let left: Operand
    /// Shape: [column, rank], or [rank, column] where `transposes` is false.
    let right: Operand
    /// Whether `right` has a row per column of the result.
    let transposes: Bool

    /// left right^T: how an adapter's B meets its state.
    ///
    /// Shape: [row, rank], [column, rank].
    public init(columns: Range<Int>, left: Operand, timesTransposed right: Operand) {
        precondition(
            right.rowCount == columns.count && left.columnCount == right.columnCount,
            "\(left.extents) times \(right.extents) transposed for \(columns)"
        )
        self.columns = columns
        self.left = left
        self.right = right
        transposes = true
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
        self.left = left
        self.right = right
        transposes = false
    }

    private init(columns: Range<Int>, left: Operand, right: Operand, transposes: Bool) {
        self.columns = columns
        self.left = left
        self.right = right
        self.transposes = transposes
    }

    /// The term for some rows of the result.
    func rows(_ range: Range<Int>) -> LowRankTerm {
        LowRankTerm(
            columns: columns, left: left.rows(range), right: right, transposes: transposes)
    }

    /// Adds the whole term to its columns of `result`, on the calling thread.
    func add(to result: Matrix) {
        add(to: result, columns: 0..<result.columnCount)
    }

    /// Adds what falls into a range of the result's columns, on the calling thread.
    func add(to result: Matrix, columns range: Range<Int>) {
        let common = range.clamped(to: columns)
        guard !common.isEmpty else { return }
        let own = common.lowerBound - columns.lowerBound..<common.upperBound - columns.lowerBound
        Product(transposesB: transposes, adds: true)(
            left, transposes ? right.rows(own) : right.columns(own), result.columns(common))
    }
}
