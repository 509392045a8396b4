extension StateMix {
    /// The parts with the shares that are left to them under self-centered clipping; what the others
    /// lose goes to the node's own state.
    ///
    /// A node without a trained state of its own, which counts for nothing in the mean, goes towards
    /// the others in the same bounded steps.
    ///
    /// - Throws: `updateNonFinite` for a value that is not finite.
    /// - Complexity: O(elements of all parts).
    func clipped(
        _ parts: [Part], by settings: Manifest.RobustnessSettings
    ) throws(RejectReason) -> [Part] {
        guard let own = parts.first(where: \.isOwn) else {
            preconditionFailure("self-centered clipping of \(parts.count) states of others")
        }
        let others = parts.filter { !$0.isOwn && $0.share > 0 }.sorted { $0.member < $1.member }
        var squares = [Double](repeating: 0, count: others.count)
        for index in layout.entries.indices {
            let center = try own.state.values(of: index)
            for (place, other) in others.enumerated() {
                var sum = 0.0
                for (value, start) in zip(try other.state.values(of: index), center) {
                    let difference = Double(value) - Double(start)
                    sum += difference * difference
                }
                squares[place] += sum
            }
        }
        guard squares.allSatisfy(\.isFinite) else { throw .updateNonFinite }
        let clipping = SelfCenteredClipping(
            radius: settings.clipRadius > 0 ? settings.clipRadius : nil,
            liarCount: settings.liarCount)
        let shares = clipping.shares(
            weights: others.map(\.share), distances: squares.map { $0.squareRoot() })
        let kept = zip(others, shares).map {
            Part(member: $0.member, share: $1, state: $0.state)
        }
        let rest = max(0, 1 - shares.reduce(0, +))
        return [Part(member: own.member, share: rest, state: own.state, isOwn: true)] + kept
    }
}
