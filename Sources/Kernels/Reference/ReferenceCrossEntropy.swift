internal import Glibc

/// The plain twin of ``CrossEntropy``.
package enum ReferenceCrossEntropy {
    package static func loss(
        hidden: ReferenceMatrix,
        head: ReferenceMatrix,
        targets: [Int]
    ) -> Double {
        let logits = hidden * head.transposed
        return targets.indices.reduce(0) { sum, row in
            let values = logits.row(row)
            let largest = values.max() ?? 0
            let total = values.reduce(0) { $0 + exp($1 - largest) }
            return sum + largest + log(total) - logits[row, targets[row]]
        }
    }

    package static func gradient(
        hidden: ReferenceMatrix,
        head: ReferenceMatrix,
        targets: [Int]
    ) -> ReferenceMatrix {
        var logits = hidden * head.transposed
        for row in targets.indices {
            let largest = logits.row(row).max() ?? 0
            let total = logits.row(row).reduce(0) { $0 + exp($1 - largest) }
            for column in 0..<logits.columnCount {
                logits[row, column] = exp(logits[row, column] - largest) / total
            }
            logits[row, targets[row]] -= 1
        }
        return logits * head
    }
}
