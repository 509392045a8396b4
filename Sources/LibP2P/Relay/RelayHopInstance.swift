/// Who is reachable through this node, and which circuits go through it: the relay's side, without
/// clock or socket.
///
/// Legal life of a reservation: made, renewed any number of times, then expired or ended with the
/// peer's last connection. Circuits end on their own; an expired reservation lets no new one begin.
/// Source: libp2p, Circuit Relay v2.
public struct RelayHopInstance: Sendable {
    /// What is answered to a wish.
    public enum Answer<Grant: Hashable & Sendable>: Hashable, Sendable {
        /// It is granted.
        case granted(Grant)
        /// It is not, for this reason.
        case refused(RelayStatus)
    }

    /// The number of a circuit.
    public struct CircuitID: Hashable, Sendable {
        let number: UInt64
    }

    private struct Reservation {
        var host: String?
        var expirationSeconds: UInt64
    }

    /// What this node gives.
    public let settings: RelayHopSettings
    private var reservations: [PeerID: Reservation] = [:]
    private var circuits: [CircuitID: (source: PeerID, target: PeerID)] = [:]
    private var counts: [PeerID: Int] = [:]
    private var nextNumber: UInt64 = 0

    /// Makes a relay without reservations.
    public init(settings: RelayHopSettings) {
        self.settings = settings
    }

    /// Peers with a reservation, ascending.
    public var reservedPeers: [PeerID] { reservations.keys.sorted() }

    /// The circuits at present.
    public var circuitCount: Int { circuits.count }

    /// Makes or renews the reservation of a connected peer.
    ///
    /// - Parameters:
    ///   - host: The IP address that the peer comes from; nil where it is not counted.
    ///   - isRelayed: Whether the peer itself comes through a relay, which is not permitted.
    /// - Returns: When the reservation expires, in Unix seconds.
    /// - Complexity: O(n) in the reservations.
    public mutating func reserve(
        _ peer: PeerID, host: String?, isRelayed: Bool, nowSeconds: UInt64
    ) -> Answer<UInt64> {
        guard !isRelayed else { return .refused(.permissionDenied) }
        reservations = reservations.filter { $0.value.expirationSeconds > nowSeconds }
        if reservations[peer] == nil {
            guard reservations.count < settings.reservationCountMax else {
                return .refused(.reservationRefused)
            }
            let present = reservations.values.filter { $0.host == host }.count
            guard host == nil || present < settings.reservationCountMaxPerAddress else {
                return .refused(.reservationRefused)
            }
        }
        let (expiration, overflows) =
            nowSeconds.addingReportingOverflow(settings.reservationSeconds)
        guard !overflows else { return .refused(.reservationRefused) }
        reservations[peer] = Reservation(host: host, expirationSeconds: expiration)
        return .granted(expiration)
    }

    /// Begins a circuit between two connected peers.
    public mutating func open(
        from source: PeerID, to target: PeerID, isRelayed: Bool, nowSeconds: UInt64
    ) -> Answer<CircuitID> {
        guard !isRelayed, source != target else { return .refused(.permissionDenied) }
        guard let reservation = reservations[target], reservation.expirationSeconds > nowSeconds
        else { return .refused(.noReservation) }
        guard circuits.count < settings.circuitCountMax,
            counts[source, default: 0] < settings.circuitCountMaxPerPeer,
            counts[target, default: 0] < settings.circuitCountMaxPerPeer
        else { return .refused(.resourceLimitExceeded) }
        let id = CircuitID(number: nextNumber)
        nextNumber += 1
        circuits[id] = (source, target)
        counts[source, default: 0] += 1
        counts[target, default: 0] += 1
        return .granted(id)
    }

    /// A circuit has ended, or did not come about; again is no matter.
    public mutating func close(_ id: CircuitID) {
        guard let (source, target) = circuits.removeValue(forKey: id) else { return }
        for peer in [source, target] {
            let rest = counts[peer, default: 1] - 1
            counts[peer] = rest > 0 ? rest : nil
        }
    }

    /// A peer has no connection left; its reservation ends with it.
    public mutating func disconnected(_ peer: PeerID) {
        reservations[peer] = nil
    }
}

/// Counts the bytes of one direction of a circuit against its bound.
public struct CircuitMeter: Hashable, Sendable {
    /// The bound; nil for none.
    public let byteCountMax: UInt64?
    /// What has gone through.
    public private(set) var byteCount: UInt64 = 0

    /// Makes a meter of a direction through which nothing has gone.
    public init(byteCountMax: UInt64?) {
        self.byteCountMax = byteCountMax
    }

    /// Takes bytes, and tells how many of them may go through.
    public mutating func take(_ count: Int) -> Int {
        let wanted = UInt64(clamping: count)
        let allowed = byteCountMax.map { min(wanted, $0 - min($0, byteCount)) } ?? wanted
        byteCount &+= allowed
        return Int(clamping: allowed)
    }

    /// Whether nothing more may go through.
    public var isExhausted: Bool { byteCountMax.map { byteCount >= $0 } ?? false }
}
