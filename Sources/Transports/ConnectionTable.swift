internal import LibP2P

/// The connections of a swarm, by peer, and the decisions about second ones.
///
/// Source: network specification, sections 4.5 and 11.
struct ConnectionTable {
    /// What a new connection means for the table.
    enum Admission {
        /// It is entered. `isFirst` tells whether the peer had none; `retiring` gives way to it
        /// once its streams have ended, `closing` at once; `retiresNew` says that the new one is
        /// the one to give way.
        case entered(
            isFirst: Bool, retiring: ConnectionHandle?, retiresNew: Bool,
            closing: ConnectionHandle?
        )
        /// This node dialled the peer twice; the first connection is enough.
        case duplicate
        case refused(limit: Int)
    }

    private struct Entry {
        let handle: ConnectionHandle
        var isRetiring = false
    }

    let own: PeerID
    let limits: TransportLimits
    private var entries: [PeerID: [Entry]] = [:]
    private(set) var count = 0

    init(own: PeerID, limits: TransportLimits) {
        self.own = own
        self.limits = limits
    }

    /// The peers with a connection, ascending.
    var peers: [PeerID] { entries.keys.sorted() }

    /// All connections, in ascending order of their numbers.
    var all: [ConnectionHandle] {
        entries.values.joined().map(\.handle).sorted { $0.id < $1.id }
    }

    /// All connections with a peer, oldest first.
    func connections(with peer: PeerID) -> [ConnectionHandle] {
        (entries[peer] ?? []).map(\.handle)
    }

    /// The connection on which to open streams: the newest that is not giving way.
    func preferred(for peer: PeerID, besides other: UInt64? = nil) -> ConnectionHandle? {
        let candidates = (entries[peer] ?? []).filter { $0.handle.id != other }
        let staying = candidates.filter { !$0.isRetiring }
        return (staying.last { !$0.handle.isRelayed } ?? staying.last ?? candidates.last)?.handle
    }

    /// The newest connection with a peer that goes through no relay.
    func direct(with peer: PeerID) -> ConnectionHandle? {
        let candidates = (entries[peer] ?? []).filter { !$0.handle.isRelayed }
        return (candidates.last { !$0.isRetiring } ?? candidates.last)?.handle
    }

    /// Whether dialling an address would lead to no better connection than there is.
    func isConnected(with peer: PeerID, by address: Multiaddr) -> Bool {
        address.isRelayed ? preferred(for: peer) != nil : direct(with: peer) != nil
    }

    /// Enters a connection, or refuses it.
    ///
    /// Of two connections that cross, the one whose dialler has the greater id gives way. A third
    /// connection takes the place of the oldest, which a restarted peer may have lost unnoticed.
    /// A relayed connection gives way to a direct one, whichever came first.
    mutating func admit(_ handle: ConnectionHandle) -> Admission {
        let present = entries[handle.peer] ?? []
        guard count < limits.connectionCountMax else {
            return .refused(limit: limits.connectionCountMax)
        }
        let isRelayed = handle.isRelayed
        let others = present.filter { !$0.isRetiring && $0.handle.isRelayed != isRelayed }
        if isRelayed, handle.isDialer, !others.isEmpty { return .duplicate }
        let active = present.filter { !$0.isRetiring && $0.handle.isRelayed == isRelayed }
        if handle.isDialer, active.contains(where: { $0.handle.isDialer }) {
            return .duplicate
        }
        let crossing = active.last { $0.handle.isDialer != handle.isDialer }
        let ownGivesWay = handle.peer < own
        let crossesAndYields = crossing != nil && handle.isDialer == ownGivesWay
        let retiresNew = crossesAndYields || (isRelayed && !others.isEmpty)
        var retiring: ConnectionHandle?
        if let crossing, !retiresNew {
            retiring = crossing.handle
            setRetiring(crossing.handle)
        }
        if !isRelayed, let relayed = others.last, retiring == nil {
            retiring = relayed.handle
            setRetiring(relayed.handle)
        }
        var closing: ConnectionHandle?
        if present.count >= limits.connectionCountMaxPerPeer {
            closing = (present.first { $0.handle.isRelayed } ?? present.first)?.handle
        }
        entries[handle.peer, default: []].append(Entry(handle: handle, isRetiring: retiresNew))
        count += 1
        return .entered(
            isFirst: present.isEmpty, retiring: retiring, retiresNew: retiresNew, closing: closing
        )
    }

    private mutating func setRetiring(_ handle: ConnectionHandle) {
        for index in (entries[handle.peer] ?? []).indices
        where entries[handle.peer]?[index].handle === handle {
            entries[handle.peer]?[index].isRetiring = true
        }
    }

    /// Removes a connection.
    ///
    /// - Returns: Whether the peer has none left; `nil` if it was not entered.
    mutating func remove(_ handle: ConnectionHandle) -> Bool? {
        guard var rest = entries[handle.peer],
            let index = rest.firstIndex(where: { $0.handle === handle })
        else { return nil }
        rest.remove(at: index)
        count -= 1
        entries[handle.peer] = rest.isEmpty ? nil : rest
        return rest.isEmpty
    }
}
