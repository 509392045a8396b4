internal import CKernels
internal import Glibc

/// Rotary position embedding: channel i of a head and channel i + D/2 turn together by
/// position x frequency i, which is theta^(-2 i / D) where a model doesn't scale it.
///
/// Source: Su et al. 2021, "RoFormer", equation 34.
///
/// ### Deviations
/// Pairs are the halves of a head, as in Hugging Face's Llama, not neighbours. Angles are rounded
/// to Float32 as there, so that both agree at large positions too.
public final class RotaryEmbedding {
    /// The channels of a head, D; even.
    public let headDimension: Int
    /// What each pair of channels turns by from one position to the next: [D / 2].
    public let frequencies: [Float]
    /// The positions that the tables hold.
    public private(set) var positionCount = 0

    private var cosines = FloatBuffer(count: 0)
    private var sines = FloatBuffer(count: 0)

    /// Makes an empty table, which grows with the positions asked for.
    public convenience init(headDimension: Int, theta: Float) {
        self.init(
            headDimension: headDimension,
            frequencies: Self.frequencies(headDimension: headDimension, theta: theta)
        )
    }

    /// Makes an empty table for frequencies that a model scales; there are D / 2 of them.
    public init(headDimension: Int, frequencies: [Float]) {
        precondition(
            headDimension > 0 && headDimension % 2 == 0 && frequencies.count == headDimension / 2,
            "\(frequencies.count) frequencies for a head of \(headDimension)"
        )
        self.headDimension = headDimension
        self.frequencies = frequencies
    }

    /// The frequencies theta^(-2 i / D) of a head that nothing scales.
    public static func frequencies(headDimension: Int, theta: Float) -> [Float] {
        (0..<headDimension / 2).map { channel in
            1 / powf(theta, Float(2 * channel) / Float(headDimension))
        }
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
        let table = table
        ComputeThreads.split(rowCount: x.rowCount) { range in
            rotate(
                x.rows(range), table, first: range.lowerBound, length: length, offset: offset,
                inverse: inverse
            )
        }
    }

    /// Rotates every head of every row in place, or back, each row by its own position.
    ///
    /// Shape: [row, head x D].
    ///
    /// - Parameter positions: as many as rows, none negative.
    /// - Complexity: O(rows x heads x D).
    public func apply(to x: Matrix, positions: [Int32], inverse: Bool = false) {
        precondition(
            positions.count == x.rowCount && x.columnCount % headDimension == 0
                && positions.allSatisfy { $0 >= 0 },
            "\(x.extents) with heads of \(headDimension) and \(positions.count) positions"
        )
        grow(to: Int(positions.max() ?? -1) + 1)
        let table = table
        ComputeThreads.split(rowCount: x.rowCount) { range in
            // Texts are runs of rising positions, and one call rotates a run.
            var lower = range.lowerBound
            while lower < range.upperBound {
                let offset = Int(positions[lower])
                var upper = lower + 1
                while upper < range.upperBound, Int(positions[upper]) == offset + upper - lower {
                    upper += 1
                }
                rotate(
                    x.rows(lower..<upper), table, first: 0, length: upper - lower, offset: offset,
                    inverse: inverse
                )
                lower = upper
            }
        }
    }

    private var table: (cosines: Matrix, sines: Matrix) {
        let half = headDimension / 2
        return (
            cosines: cosines.matrix(at: 0, rows: positionCount, columns: half),
            sines: sines.matrix(at: 0, rows: positionCount, columns: half)
        )
    }

    private func rotate(
        _ rows: Matrix,
        _ table: (cosines: Matrix, sines: Matrix),
        first: Int,
        length: Int,
        offset: Int,
        inverse: Bool
    ) {
        unsafe sk_rope(
            rows.base, rows.stride, rows.rowCount, rows.columnCount / headDimension,
            headDimension, table.cosines.base, table.sines.base, first, length, offset,
            inverse ? -1 : 1
        )
    }

    private func grow(to count: Int) {
        guard count > positionCount else { return }
        let half = headDimension / 2
        let rows = max(count, 2 * positionCount)
        cosines = FloatBuffer(count: rows * half)
        sines = FloatBuffer(count: rows * half)
        let cosineTable = cosines.take(rows: rows, columns: half)
        let sineTable = sines.take(rows: rows, columns: half)
        for (channel, frequency) in frequencies.enumerated() {
            for position in 0..<rows {
                let angle = Float(position) * frequency
                cosineTable[position, channel] = Float(cos(Double(angle)))
                sineTable[position, channel] = Float(sin(Double(angle)))
            }
        }
        positionCount = rows
    }
}
