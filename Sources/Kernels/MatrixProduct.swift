/// Products of Float32 matrices, split over the compute threads.
///
/// A weight W has shape [output, input], as in Hugging Face files, so y = x W^T is
/// ``multiplyTransposed(_:_:into:scale:adds:)`` and gx = gy W is ``multiply(_:_:into:scale:adds:)``.
public enum MatrixProduct {
    /// c = scale a b, or c += scale a b.
    ///
    /// Shape: [m, k], [k, n] → [m, n]; `c` overlaps neither.
    ///
    /// - Complexity: O(m n k).
    public static func multiply(
        _ a: Matrix,
        _ b: Matrix,
        into c: Matrix,
        scale: Float = 1,
        adds: Bool = false
    ) {
        precondition(
            a.columnCount == b.rowCount && a.rowCount == c.rowCount
                && b.columnCount == c.columnCount,
            "\(a.extents) times \(b.extents) into \(c.extents)"
        )
        run(a, b, into: c, transposesA: false, transposesB: false, scale: scale, adds: adds)
    }

    /// c = scale a b^T, or c += scale a b^T.
    ///
    /// Shape: [m, k], [n, k] → [m, n]; `c` overlaps neither.
    ///
    /// - Complexity: O(m n k).
    public static func multiplyTransposed(
        _ a: Matrix,
        _ b: Matrix,
        into c: Matrix,
        scale: Float = 1,
        adds: Bool = false
    ) {
        precondition(
            a.columnCount == b.columnCount && a.rowCount == c.rowCount
                && b.rowCount == c.columnCount,
            "\(a.extents) times \(b.extents) transposed into \(c.extents)"
        )
        run(a, b, into: c, transposesA: false, transposesB: true, scale: scale, adds: adds)
    }

    /// c = scale a^T b, or c += scale a^T b: how a gradient adds up over rows.
    ///
    /// Shape: [k, m], [k, n] → [m, n]; `c` overlaps neither.
    ///
    /// - Complexity: O(m n k).
    public static func multiplyTransposing(
        _ a: Matrix,
        _ b: Matrix,
        into c: Matrix,
        scale: Float = 1,
        adds: Bool = false
    ) {
        precondition(
            a.rowCount == b.rowCount && a.columnCount == c.rowCount
                && b.columnCount == c.columnCount,
            "\(a.extents) transposed times \(b.extents) into \(c.extents)"
        )
        run(a, b, into: c, transposesA: true, transposesB: false, scale: scale, adds: adds)
    }

    /// Splits c over the threads, by columns where there are at least as many as rows.
    ///
    /// Neither way splits a sum, so the threads never meet.
    private static func run(
        _ a: Matrix,
        _ b: Matrix,
        into c: Matrix,
        transposesA: Bool,
        transposesB: Bool,
        scale: Float,
        adds: Bool
    ) {
        let depth = transposesA ? a.rowCount : a.columnCount
        guard c.rowCount > 0, c.columnCount > 0 else { return }
        guard depth > 0 else {
            if !adds { c.fill(0) }
            return
        }
        let splitsColumns = c.columnCount >= c.rowCount
        let extent = splitsColumns ? c.columnCount : c.rowCount
        let parts = partCount(extent: extent, work: c.rowCount * c.columnCount * depth)
        let product = Product(
            transposesA: transposesA, transposesB: transposesB, scale: scale, adds: adds)
        guard parts > 1 else { return product(a, b, c) }
        ComputeThreads.run(taskCount: parts) { part, _ in
            let range = Self.range(of: part, parts: parts, extent: extent)
            if splitsColumns {
                let b = transposesB ? b.rows(range) : b.columns(range)
                product(a, b, c.columns(range))
            } else {
                let a = transposesA ? a.columns(range) : a.rows(range)
                product(a, b, c.rows(range))
            }
        }
    }

    /// As many parts as threads, unless that leaves a part less than about 20 microseconds of work
    /// or less than a vector of columns.
    private static func partCount(extent: Int, work: Int) -> Int {
        min(ComputeThreads.count, extent / 16, work / (1 << 19)) < 2
            ? 1 : min(ComputeThreads.count, extent / 16)
    }

    /// Ranges of about equal length whose borders are whole vectors.
    private static func range(of part: Int, parts: Int, extent: Int) -> Range<Int> {
        let vectors = (extent + 15) / 16
        let lower = vectors * part / parts * 16
        let upper = vectors * (part + 1) / parts * 16
        return min(lower, extent)..<min(upper, extent)
    }
}

/// One product on the calling thread, whose extents were checked.
package struct Product {
    package var transposesA = false
    package var transposesB = false
    package var scale: Float = 1
    package var adds = false

    package init(
        transposesA: Bool = false,
        transposesB: Bool = false,
        scale: Float = 1,
        adds: Bool = false
    ) {
        self.transposesA = transposesA
        self.transposesB = transposesB
        self.scale = scale
        self.adds = adds
    }

    /// The extent that the product sums over.
    func depth(of a: Matrix) -> Int {
        transposesA ? a.rowCount : a.columnCount
    }

    func callAsFunction(_ a: Matrix, _ b: Matrix, _ c: Matrix) {
        ProductLibrary.current.multiply(self, a, b, c)
    }
}
