/// The squared distances between some points.
///
/// They are all that the rules of distances need: a rule's outcome is a combination of the points
/// whose shares sum to 1, and the distance between two such combinations follows from these. A
/// vector is therefore looked at once, stretch by stretch, however many steps a rule makes.
struct PairwiseDistances: Hashable, Sendable {
    /// The number of points.
    let count: Int
    /// Row-major [point, point], symmetric, zero on the diagonal.
    private var squares: [Double]

    /// Points without coordinates.
    init(count: Int) {
        self.count = count
        squares = [Double](repeating: 0, count: count * count)
    }

    /// The squared distance of two points.
    subscript(left: Int, right: Int) -> Double { squares[left * count + right] }

    /// Whether every distance is a number.
    var areFinite: Bool { squares.allSatisfy(\.isFinite) }

    /// Adds what further coordinates of all points contribute.
    ///
    /// - Complexity: O(points^2 x coordinates).
    mutating func add(_ stretch: [[Double]]) {
        precondition(stretch.count == count, "\(stretch.count) lists for \(count) points")
        for left in 0..<count {
            for right in 0..<left {
                var sum = 0.0
                for (one, other) in zip(stretch[left], stretch[right]) {
                    sum += (one - other) * (one - other)
                }
                squares[left * count + right] += sum
                squares[right * count + left] += sum
            }
        }
    }

    /// Adds the distances over other coordinates.
    mutating func add(_ other: PairwiseDistances) {
        precondition(other.count == count, "\(other.count) points, not \(count)")
        for index in squares.indices { squares[index] += other.squares[index] }
    }

    /// The squared distance of two combinations of the points, each with shares that sum to 1.
    ///
    /// With d the difference of the shares: |sum_i d_i x_i|^2 = -1/2 sum_ij d_i d_j |x_i - x_j|^2,
    /// for the d_i sum to 0.
    ///
    /// - Complexity: O(points^2).
    func square(from left: [Double], to right: [Double]) -> Double {
        var sum = 0.0
        for row in 0..<count {
            let own = left[row] - right[row]
            guard own != 0 else { continue }
            var inner = 0.0
            for column in 0..<count {
                inner += (left[column] - right[column]) * squares[row * count + column]
            }
            sum += own * inner
        }
        return max(0, -0.5 * sum)
    }

    /// The distances between combinations of the points, one for each row of shares.
    func mixed(by rows: [[Double]]) -> PairwiseDistances {
        var mixed = PairwiseDistances(count: rows.count)
        for left in 0..<rows.count {
            for right in 0..<left {
                let square = square(from: rows[left], to: rows[right])
                mixed.squares[left * rows.count + right] = square
                mixed.squares[right * rows.count + left] = square
            }
        }
        return mixed
    }

    /// The points but some point, from the nearest to it on; ties by index.
    func nearest(to point: Int, among points: Range<Int>) -> [Int] {
        points.filter { $0 != point }.sorted {
            (self[point, $0], $0) < (self[point, $1], $1)
        }
    }
}
