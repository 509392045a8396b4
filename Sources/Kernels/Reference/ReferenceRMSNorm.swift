/// The plain twin of ``RMSNorm``.
package enum ReferenceRMSNorm {
    package static func forward(
        _ x: ReferenceMatrix,
        weight: [Double],
        epsilon: Double
    ) -> ReferenceMatrix {
        var y = x
        for row in 0..<x.rowCount {
            let factor = factor(x.row(row), epsilon: epsilon)
            for column in 0..<x.columnCount {
                y[row, column] = x[row, column] * factor * weight[column]
            }
        }
        return y
    }

    package static func backward(
        _ x: ReferenceMatrix,
        weight: [Double],
        epsilon: Double,
        outputGradient gy: ReferenceMatrix
    ) -> ReferenceMatrix {
        var gx = x
        for row in 0..<x.rowCount {
            let factor = factor(x.row(row), epsilon: epsilon)
            var inner = 0.0
            for column in 0..<x.columnCount {
                inner += weight[column] * gy[row, column] * x[row, column]
            }
            let along = factor * factor * factor * inner / Double(x.columnCount)
            for column in 0..<x.columnCount {
                gx[row, column] =
                    factor * weight[column] * gy[row, column] - along * x[row, column]
            }
        }
        return gx
    }

    private static func factor(_ row: ArraySlice<Double>, epsilon: Double) -> Double {
        let mean = row.reduce(0) { $0 + $1 * $1 } / Double(row.count)
        return 1 / (mean + epsilon).squareRoot()
    }
}
