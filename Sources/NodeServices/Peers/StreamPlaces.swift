internal import LibP2P

/// Places for the streams of a protocol that are served at a time: so many, and of them so many for one
/// peer.
struct StreamPlaces {
    let countMax: Int
    let countMaxPerPeer: Int
    private var counts: [PeerID: Int] = [:]

    init(countMax: Int, countMaxPerPeer: Int) {
        self.countMax = countMax
        self.countMaxPerPeer = countMaxPerPeer
    }

    /// Takes a place; false if there is none for the peer.
    mutating func take(for peer: PeerID) -> Bool {
        guard counts.values.reduce(0, +) < countMax, counts[peer, default: 0] < countMaxPerPeer
        else { return false }
        counts[peer, default: 0] += 1
        return true
    }

    /// Gives back a place that was taken.
    mutating func leave(_ peer: PeerID) {
        let rest = (counts[peer] ?? 1) - 1
        counts[peer] = rest > 0 ? rest : nil
    }
}
