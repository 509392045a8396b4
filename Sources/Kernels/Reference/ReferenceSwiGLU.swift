internal import Glibc

/// The plain twin of ``SwiGLU``.
package enum ReferenceSwiGLU {
    package static func forward(gateUp: ReferenceMatrix) -> ReferenceMatrix {
        let count = gateUp.columnCount / 2
        var h = ReferenceMatrix(gateUp.rowCount, count)
        for row in 0..<h.rowCount {
            for column in 0..<count {
                let gate = gateUp[row, column]
                h[row, column] = gate / (1 + exp(-gate)) * gateUp[row, count + column]
            }
        }
        return h
    }

    package static func backward(
        gateUp: ReferenceMatrix,
        outputGradient gh: ReferenceMatrix
    ) -> ReferenceMatrix {
        let count = gh.columnCount
        var gradient = gateUp
        for row in 0..<gh.rowCount {
            for column in 0..<count {
                let gate = gateUp[row, column]
                let up = gateUp[row, count + column]
                let sigmoid = 1 / (1 + exp(-gate))
                gradient[row, column] =
                    gh[row, column] * up * sigmoid * (1 + gate * (1 - sigmoid))
                gradient[row, count + column] = gh[row, column] * gate * sigmoid
            }
        }
        return gradient
    }
}
