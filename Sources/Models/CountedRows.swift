internal import Kernels

/// The rows whose target counts, moved to the front of a matrix, so that the head computes no
/// logits that nobody needs.
struct CountedRows {
    /// Those rows, in order.
    let hidden: Operand
    /// Their targets.
    let targets: [Int32]
    private let places: [Int]

    /// Moves the rows in place; a target of -1 does not count.
    init(of hidden: Operand, targets: [Int32]) {
        places = targets.indices.filter { targets[$0] >= 0 }
        for (target, source) in places.enumerated() where target != source {
            hidden.rows(target..<target + 1).copy(from: hidden.rows(source..<source + 1))
        }
        self.hidden = hidden.rows(0..<places.count)
        self.targets = places.map { targets[$0] }
    }

    /// Undoes the move for a gradient: its first rows go where they belong, the others become 0.
    func spread(_ gradient: Matrix) {
        guard places.count < gradient.rowCount else { return }
        var source = places.count - 1
        for target in (0..<gradient.rowCount).reversed() {
            let row = gradient.rows(target..<target + 1)
            guard source >= 0, places[source] == target else {
                row.fill(0)
                continue
            }
            if source != target { row.copy(from: gradient.rows(source..<source + 1)) }
            source -= 1
        }
    }
}
