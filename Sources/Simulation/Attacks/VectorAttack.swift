public import Tensors

/// What liars send in a round, knowing what all others send.
///
/// Source: sign flip and mimic as ByzFL has them, Baruch et al. 2019 (ALIE), Xie et al. 2020 (IPM).
public enum VectorAttack: Hashable, Sendable {
    /// Minus the mean of the honest vectors.
    case signFlip
    /// That mean, so many times.
    case scale(Double)
    /// The mean less z sample standard deviations of each coordinate: within what honest ones send.
    case littleIsEnough(z: Double)
    /// Minus epsilon times the mean: with a small one the sum still points the right way, with 1000
    /// the norm bound alone says how far back.
    case innerProduct(epsilon: Double)
    /// Noise of mean 0 and that deviation, another for each liar.
    case gaussian(deviation: Double)
    /// What the first honest member sends, again and again.
    case mimic

    /// The name in tables.
    public var name: String {
        switch self {
        case .signFlip: "sign flip"
        case .scale(let factor): "scale x\(Int(factor))"
        case .littleIsEnough(let z): "ALIE z=\(z.fixed(2))"
        case .innerProduct(let epsilon):
            epsilon < 10 ? "IPM \(epsilon.fixed(1))" : "IPM \(Int(epsilon))"
        case .gaussian(let deviation): "Gaussian \(Int(deviation))"
        case .mimic: "mimic"
        }
    }

    /// The vectors of so many liars.
    public func lies(
        _ count: Int, among honest: [[Double]], using generator: inout SplitMix64
    ) -> [[Double]] {
        precondition(honest.count > 1, "\(honest.count) honest vectors")
        let mean = Self.mean(of: honest)
        let lie: [Double]
        switch self {
        case .signFlip: lie = mean.map { -$0 }
        case .scale(let factor): lie = mean.map { factor * $0 }
        case .littleIsEnough(let z):
            let deviations = Self.deviations(of: honest, mean: mean)
            lie = zip(mean, deviations).map { $0 - z * $1 }
        case .innerProduct(let epsilon): lie = mean.map { -epsilon * $0 }
        case .gaussian(let deviation):
            return (0..<count).map { _ in mean.map { _ in deviation * generator.bell() } }
        case .mimic: lie = honest[0]
        }
        return [[Double]](repeating: lie, count: count)
    }

    /// The mean, in order of the vectors.
    public static func mean(of vectors: [[Double]]) -> [Double] {
        var sum = [Double](repeating: 0, count: vectors[0].count)
        for vector in vectors {
            for place in sum.indices { sum[place] += vector[place] }
        }
        return sum.map { $0 / Double(vectors.count) }
    }

    private static func deviations(of vectors: [[Double]], mean: [Double]) -> [Double] {
        mean.indices.map { place in
            var squares = 0.0
            for vector in vectors {
                squares += (vector[place] - mean[place]) * (vector[place] - mean[place])
            }
            return (squares / Double(vectors.count - 1)).squareRoot()
        }
    }

    /// The z of Baruch et al.
    ///
    /// for n members, f of them liars: the share (n - f - s) / (n - f) of a normal distribution
    /// lies below it, s = floor(n / 2 + 1) - f.
    ///
    /// No more than to 1e-9, by halving: no machine's library has a part in it.
    public static func alieZ(memberCount: Int, liarCount: Int) -> Double {
        let honest = memberCount - liarCount
        let supporters = memberCount / 2 + 1 - liarCount
        let share = Double(honest - supporters) / Double(honest)
        guard share > 0.5 else { return 0 }
        var (low, high) = (0.0, 8.0)
        while high - low > 1e-10 {
            let middle = (low + high) / 2
            if normalShare(below: middle) < share { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// 1/2 + phi(z) (z + z^3/3 + z^5/(3 5) + ...), phi the density of the normal distribution.
    private static func normalShare(below z: Double) -> Double {
        var (term, sum) = (z, z)
        var divisor = 3.0
        while term > 1e-17 * sum, divisor < 1000 {
            term *= z * z / divisor
            sum += term
            divisor += 2
        }
        return 0.5 + sum * exponential(-z * z / 2) / (2 * Double.pi).squareRoot()
    }

    /// e^x for x <= 0, by its series over a power of two.
    private static func exponential(_ x: Double) -> Double {
        let small = x / 1024
        var (term, sum) = (1.0, 1.0)
        for index in 1...12 {
            term *= small / Double(index)
            sum += term
        }
        for _ in 0..<10 { sum *= sum }
        return sum
    }
}
