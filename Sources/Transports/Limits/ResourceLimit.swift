/// A bound of this node that a peer has met, for the log and for errors.
public enum ResourceLimit: Hashable, Sendable, CustomStringConvertible {
    /// Connections of the whole node.
    case connections(Int)
    /// Connections that others have opened.
    case inboundConnections(Int)
    /// Inbound connections from one IP address.
    case connectionsPerAddress(Int)
    /// Inbound connections from one IPv6 network of 64 bits.
    case connectionsPerSite(Int)
    /// Inbound connections from one IP address that are not secured yet.
    case upgradesPerAddress(Int)
    /// Streams of the whole node.
    case streams(Int)
    /// Streams with one peer.
    case streamsPerPeer(Int)
    /// Streams of one protocol that one peer has opened.
    case streamsPerProtocol(String, Int)
    /// Bytes of one peer that nobody has read yet.
    case memoryPerPeer(byteCount: Int)
    /// Bytes of all peers that nobody has read yet.
    case memory(byteCount: Int)

    /// What the bound is on, and its value.
    public var description: String {
        switch self {
        case .connections(let limit): "the node's limit of \(limit) connections"
        case .inboundConnections(let limit): "the limit of \(limit) inbound connections"
        case .connectionsPerAddress(let limit): "the limit of \(limit) connections per address"
        case .connectionsPerSite(let limit):
            "the limit of \(limit) connections per IPv6 network of 64 bits"
        case .upgradesPerAddress(let limit):
            "the limit of \(limit) unfinished connections per address"
        case .streams(let limit): "the node's limit of \(limit) streams"
        case .streamsPerPeer(let limit): "the limit of \(limit) streams per peer"
        case .streamsPerProtocol(let name, let limit): "the limit of \(limit) streams of \(name)"
        case .memoryPerPeer(let limit): "the limit of \(limit) unread bytes per peer"
        case .memory(let limit): "the node's limit of \(limit) unread bytes"
        }
    }
}
