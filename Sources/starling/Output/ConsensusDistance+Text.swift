internal import Federation

extension ConsensusDistance {
    /// The distance for people: the number, and its share of the mean's norm.
    var text: String {
        guard let relative else { return value.text(places: 6) }
        return "\(value.text(places: 6)), \((100 * relative).text(places: 3)) % of the mean's norm"
    }
}
