internal import CKernels
internal import Glibc

/// Rotary position embedding: channel i of a head and channel i + D/2 turn together by
/// position x theta^(-2 i / D).
///
/// Source: Su et al. 2021, "RoFormer", equation 34.
///
/// ### Deviations
/// Pairs are the halves of a head, as in Hugging Face's Llama, not neighbours. Angles are rounded
/// to Float32 as there, so that both agree at large positions too.
public final class RotaryEmbedding {
    /// The channels of a head, D; even.
    public let headDimension: Int
    /// The positions that the tables hold.
    public private(set) var positionCount = 0

    private let theta: Float
    private var cosines = FloatBuffer(count: 0)
    private var sines = FloatBuffer(count: 0)

    /// Makes an empty table, which grows with the positions asked for.
    public init(headDimension: Int, theta: Float) {
        precondition(headDimension > 0 && headDimension % 2 == 0, "head of \(headDimension)")
        self.headDimension = headDimension
        self.theta = theta
    }

    /// Rotates every head of every row in place, or back, which is also how a gradient passes.
    ///
    /// Row i has position `offset + i % length`.
    ///
    /// Shape: [row, head x D].
    ///
    /// - Complexity: O(rows x heads x D).
    public func apply(to x: Matrix, length: Int, offset: Int = 0, inverse: Bool = false) {
        precondition(
            length > 0 && offset >= 0 && x.columnCount % headDimension == 0,
            "\(x.extents) with heads of \(headDimension), length \(length), offset \(offset)"
        )
        grow(to: offset + min(length, x.rowCount))
        let cosines = cosines.matrix(at: 0, rows: positionCount, columns: headDimension / 2)
        let sines = sines.matrix(at: 0, rows: positionCount, columns: headDimension / 2)
        ComputeThreads.split(rowCount: x.rowCount) { range in
            let rows = x.rows(range)
            unsafe sk_rope(
                rows.base, rows.stride, rows.rowCount, x.columnCount / headDimension,
                headDimension, cosines.base, sines.base, range.lowerBound, length, offset,
                inverse ? -1 : 1
            )
        }
    }

    private func grow(to count: Int) {
        guard count > positionCount else { return }
        let half = headDimension / 2
        let rows = max(count, 2 * positionCount)
        cosines = FloatBuffer(count: rows * half)
        sines = FloatBuffer(count: rows * half)
        let cosineTable = cosines.take(rows: rows, columns: half)
        let sineTable = sines.take(rows: rows, columns: half)
        for channel in 0..<half {
            let exponent = Float(2 * channel) / Float(headDimension)
            let frequency = 1 / powf(theta, exponent)
            for position in 0..<rows {
                let angle = Float(position) * frequency
                cosineTable[position, channel] = Float(cos(Double(angle)))
                sineTable[position, channel] = Float(sin(Double(angle)))
            }
        }
        positionCount = rows
    }
}
