internal import Cryptography
internal import Foundation
public import LibP2P
internal import Training
public import Transports

/// What a person may set of a node's network beyond its addresses: bounds, and the network key.
///
/// Values are texts as they were written; ``limits()`` and ``key()`` say what is wrong with them.
public struct NetworkSettings: Sendable, Equatable {
    /// The names of the settings, as file, environment and flags write them.
    public enum Key: String, CaseIterable, Sendable {
        /// Connections of the node.
        case connectionCountMax = "max-connections"
        /// Inbound connections from one IP address.
        case connectionCountMaxPerAddress = "max-connections-per-address"
        /// Streams that one peer may have open.
        case streamCountMaxPerPeer = "max-streams-per-peer"
        /// Streams that one peer may open in a second.
        case streamOpenRate = "max-stream-opens"
        /// Memory for the network as a whole.
        case memory = "max-network-memory"
        /// Memory for one peer.
        case memoryPerPeer = "max-peer-memory"
        /// Bytes a second to all peers.
        case upload = "max-upload"
        /// Bytes a second from all peers.
        case download = "max-download"
        /// Whether this node is a relay for others.
        case relayService = "relay-service"
        /// Bytes that go through one circuit of this relay in each direction.
        case relayData = "relay-max-data"
        /// Minutes that a circuit of this relay lasts.
        case relayMinutes = "relay-max-minutes"
        /// Peers that are reachable through this relay at a time.
        case relayPeers = "relay-max-peers"
        /// The file of the private network's key.
        case networkKey = "network-key"
    }

    private var values: [Key: String] = [:]

    /// Settings that say nothing.
    public init() {}

    /// A setting as it was written.
    public subscript(key: Key) -> String? {
        get { values[key] }
        set { values[key] = newValue }
    }

    /// Fills what these settings leave open from others of lower rank.
    public func filled(from lower: NetworkSettings) -> NetworkSettings {
        var result = self
        result.values.merge(lower.values) { own, _ in own }
        return result
    }

    /// The bounds of the transport.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` naming the setting and its range.
    public func limits() throws(NodeError) -> TransportLimits {
        var limits = TransportLimits()
        if let count = try number(.connectionCountMax, 4...65_536) {
            limits.connectionCountMax = count
            // Some places stay for the node's own dials, as they do by default.
            limits.inboundConnectionCountMax = count - max(1, count / 6)
        }
        if let count = try number(.connectionCountMaxPerAddress, 1...65_536) {
            limits.connectionCountMaxPerAddress = count
            limits.upgradeCountMaxPerAddress = count
        }
        if let count = try number(.streamCountMaxPerPeer, 16...4_096) {
            limits.inboundStreamCountMaxPerConnection = count
            limits.inboundStreamCountMaxPerProtocol = min(
                limits.inboundStreamCountMaxPerProtocol, count)
            limits.streamCountMaxPerPeer = 2 * count
        }
        if let rate = try number(.streamOpenRate, 1...10_000) {
            limits.streamOpenRatePerSecond = rate
            limits.streamOpenBurst = 4 * rate
        }
        if let size = try size(.memory, from: 8 << 20) { limits.memoryByteCountMax = size }
        if let size = try size(.memoryPerPeer, from: 2 << 20) {
            limits.memoryByteCountMaxPerPeer = size
        }
        limits.memoryByteCountMaxPerPeer = min(
            limits.memoryByteCountMaxPerPeer, limits.memoryByteCountMax)
        // Below this a peer's ping waits longer than the peer does.
        limits.sentBytesPerSecondMax = try size(.upload, from: 64_000)
        limits.receivedBytesPerSecondMax = try size(.download, from: 64_000)
        return limits
    }

    /// What this node gives to others as a relay; nil where it is none.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` naming the setting and its range.
    public func relay() throws(NodeError) -> RelayHopSettings? {
        var settings = RelayHopSettings()
        let data = try size(.relayData, from: 1 << 17)
        let minutes = try number(.relayMinutes, 1...525_600)
        if let count = try number(.relayPeers, 1...65_536) {
            settings.reservationCountMax = count
            settings.reservationCountMaxPerAddress = min(
                settings.reservationCountMaxPerAddress, count)
        }
        settings.limit = CircuitLimit(
            seconds: minutes.map { UInt32(clamping: $0 * 60) } ?? settings.limit.seconds,
            byteCount: data.map { UInt64(clamping: $0) } ?? settings.limit.byteCount)
        switch values[.relayService] {
        case nil, "false", "no", "0": return nil
        case "true", "yes", "1": return settings
        case let text?:
            throw NodeError(
                .invalidInput,
                "'\(Key.relayService.rawValue)' is '\(text)'; give true or false.")
        }
    }

    /// The key of the private network; nil for an open one.
    ///
    /// - Throws: ``NodeError``: `invalidInput` for a file that holds none, or that others may read;
    ///   `notFound` for one that is not there.
    public func key() throws(NodeError) -> NetworkKey? {
        guard let path = values[.networkKey] else { return nil }
        return try NetworkKeyFile.read(path: path)
    }

    private func number(
        _ key: Key, _ range: ClosedRange<Int>
    ) throws(NodeError) -> Int? {
        guard let text = values[key] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw NodeError(
                .invalidInput,
                "'\(key.rawValue)' is '\(text)'; give a number from \(range.lowerBound) to "
                    + "\(range.upperBound).")
        }
        return number
    }

    private func size(_ key: Key, from least: Int) throws(NodeError) -> Int? {
        guard let text = values[key] else { return nil }
        guard let size = MemorySize(text), size.byteCount >= least else {
            throw NodeError(
                .invalidInput,
                "'\(key.rawValue)' is '\(text)'; give an amount such as 4MB or 64MiB, at least "
                    + "\(MemorySize(byteCount: least)).")
        }
        return size.byteCount
    }
}
