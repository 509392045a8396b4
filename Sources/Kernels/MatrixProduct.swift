/// Products of matrices, split over the compute threads.
///
/// Sums and results are Float32; both factors have the same type.
public enum MatrixProduct {
    /// c = scale a b, or c += scale a b.
    ///
    /// Shape: [m, k], [k, n] → [m, n]; `c` overlaps neither.
    ///
    /// - Complexity: O(m n k).
    public static func multiply(
        _ a: Operand,
        _ b: Operand,
        into c: Matrix,
        scale: Float = 1,
        adds: Bool = false
    ) {
        precondition(
            a.columnCount == b.rowCount && a.rowCount == c.rowCount
                && b.columnCount == c.columnCount,
            "\(a.extents) times \(b.extents) into \(c.extents)"
        )
        run(a, b, into: c, Product(scale: scale, adds: adds))
    }

    /// c = scale a b^T, or c += scale a b^T.
    ///
    /// Shape: [m, k], [n, k] → [m, n]; `c` overlaps neither.
    ///
    /// - Complexity: O(m n k).
    public static func multiplyTransposed(
        _ a: Operand,
        _ b: Operand,
        into c: Matrix,
        scale: Float = 1,
        adds: Bool = false
    ) {
        precondition(
            a.columnCount == b.columnCount && a.rowCount == c.rowCount
                && b.rowCount == c.columnCount,
            "\(a.extents) times \(b.extents) transposed into \(c.extents)"
        )
        run(a, b, into: c, Product(transposesB: true, scale: scale, adds: adds))
    }

    /// c = scale a^T b, or c += scale a^T b: how a gradient adds up over rows.
    ///
    /// Shape: [k, m], [k, n] → [m, n]; `c` overlaps neither.
    ///
    /// - Complexity: O(m n k).
    public static func multiplyTransposing(
        _ a: Operand,
        _ b: Operand,
        into c: Matrix,
        scale: Float = 1,
        adds: Bool = false
    ) {
        precondition(
            a.rowCount == b.rowCount && a.columnCount == c.rowCount
                && b.columnCount == c.columnCount,
            "\(a.extents) transposed times \(b.extents) into \(c.extents)"
        )
        run(a, b, into: c, Product(transposesA: true, scale: scale, adds: adds))
    }

    /// Splits c over the threads, by columns where there are at least as many as rows.
    ///
    /// Neither way splits a sum, so the threads never meet. Each part of c takes its share of
    /// `terms` while it is still in the cache.
    static func run(
        _ a: Operand,
        _ b: Operand,
        into c: Matrix,
        _ product: Product,
        terms: [LowRankTerm] = []
    ) {
        let depth = product.transposesA ? a.rowCount : a.columnCount
        guard c.rowCount > 0, c.columnCount > 0 else { return }
        guard depth > 0 else {
            if !product.adds { c.fill(0) }
            for term in terms { term.add(to: c, columns: 0..<c.columnCount) }
            return
        }
        let splitsColumns = c.columnCount >= c.rowCount
        let extent = splitsColumns ? c.columnCount : c.rowCount
        let parts = partCount(extent: extent, work: c.rowCount * c.columnCount * depth)
        ComputeThreads.run(taskCount: parts) { part, _ in
            let range = range(of: part, parts: parts, extent: extent)
            if splitsColumns {
                let b = product.transposesB ? b.rows(range) : b.columns(range)
                product(a, b, c.columns(range))
                for term in terms { term.add(to: c, columns: range) }
            } else {
                let a = product.transposesA ? a.columns(range) : a.rows(range)
                product(a, b, c.rows(range))
                for term in terms {
                    term.rows(range).add(to: c.rows(range), columns: 0..<c.columnCount)
                }
            }
        }
    }

    /// As many parts as threads, unless that leaves a part less than about 20 microseconds of work
    /// or less than a vector of columns.
    private static func partCount(extent: Int, work: Int) -> Int {
        max(1, min(ComputeThreads.count, extent / 16, work / (1 << 19)))
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

    func callAsFunction(_ a: Operand, _ b: Operand, _ c: Matrix) {
        switch (a, b) {
        case (.float32(let a), .float32(let b)): ProductLibrary.current.multiply(self, a, b, c)
        case (.bfloat16(let a), .bfloat16(let b)):
            ProductLibrary.current.multiplyBFloat16(self, a, b, c)
        default: preconditionFailure("a product of \(a.type) and \(b.type)")
        }
    }
}
