internal import Glibc

/// The plain twin of ``RotaryEmbedding``.
package enum ReferenceRotaryEmbedding {
    package static func apply(
        to x: ReferenceMatrix,
        headDimension: Int,
        theta: Double,
        length: Int,
        offset: Int = 0,
        inverse: Bool = false
    ) -> ReferenceMatrix {
        apply(
            to: x,
            headDimension: headDimension,
            frequencies: (0..<headDimension / 2).map { channel in
                pow(theta, -2 * Double(channel) / Double(headDimension))
            },
            positions: (0..<x.rowCount).map { offset + $0 % length },
            inverse: inverse
        )
    }

    /// Rotates each row by its own position.
    package static func apply(
        to x: ReferenceMatrix,
        headDimension: Int,
        frequencies: [Double],
        positions: [Int],
        inverse: Bool = false
    ) -> ReferenceMatrix {
        var y = x
        let half = headDimension / 2
        for row in 0..<x.rowCount {
            for head in 0..<x.columnCount / headDimension {
                for channel in 0..<half {
                    let turn = Double(positions[row]) * frequencies[channel]
                    let angle = inverse ? -turn : turn
                    let low = head * headDimension + channel
                    let high = low + half
                    y[row, low] = x[row, low] * cos(angle) - x[row, high] * sin(angle)
                    y[row, high] = x[row, high] * cos(angle) + x[row, low] * sin(angle)
                }
            }
        }
        return y
    }
}
