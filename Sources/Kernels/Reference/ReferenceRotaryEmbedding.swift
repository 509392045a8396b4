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
        var y = x
        let half = headDimension / 2
        for row in 0..<x.rowCount {
            let position = Double(offset + row % length)
            for head in 0..<x.columnCount / headDimension {
                for channel in 0..<half {
                    let exponent = -2 * Double(channel) / Double(headDimension)
                    let angle = (inverse ? -1 : 1) * position * pow(theta, exponent)
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
