/// How far a node goes towards what its neighbours hold: x_i + sum_j W_ij clip(x_j - x_i, tau).
///
/// A neighbour moves the node by at most W_ij tau, whatever it says. Source: He, Karimireddy and
/// Jaggi 2022, "Byzantine-robust decentralized learning via ClippedGossip"; the radius that follows
/// from the distances is that of the authors' repository, for one liar the second greatest.
public struct SelfCenteredClipping: Hashable, Sendable {
    /// The radius tau, above 0; `nil` for the greatest distance but those of so many liars.
    public let radius: Double?
    /// The liars among the neighbours that a radius of the distances reckons with.
    public let liarCount: Int

    /// Takes the settings.
    public init(radius: Double?, liarCount: Int) {
        self.radius = radius
        self.liarCount = liarCount
    }

    /// The shares of the neighbours in the outcome, given their weights and distances; what is left
    /// to 1 is the node's own.
    ///
    /// Where there are no more neighbours than liars to reckon with, the radius of the distances is
    /// 0: any of them may be one.
    public func shares(weights: [Double], distances: [Double]) -> [Double] {
        precondition(
            weights.count == distances.count,
            "\(weights.count) weights for \(distances.count) distances")
        let radius = radius ?? radius(of: distances)
        return zip(weights, distances).map { weight, distance in
            distance > radius ? weight * (radius / distance) : weight
        }
    }

    private func radius(of distances: [Double]) -> Double {
        guard distances.count > liarCount else { return 0 }
        return distances.sorted(by: >)[liarCount]
    }
}
