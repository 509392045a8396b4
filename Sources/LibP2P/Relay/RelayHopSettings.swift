/// What a node gives as a relay.
public struct RelayHopSettings: Hashable, Sendable {
    /// Peers that may be reachable through this node at a time; go-libp2p's figure.
    public var reservationCountMax = 128
    /// The same from one IP address, as behind one router; go-libp2p's figure.
    public var reservationCountMaxPerAddress = 8
    /// How long a reservation lasts unless it is renewed; go-libp2p's figure.
    public var reservationSeconds: UInt64 = 3_600
    /// Circuits at a time: each holds up to two windows of 16 MiB in the worst case, within the
    /// bound for the memory of all peers.
    public var circuitCountMax = 256
    /// Circuits that begin or end at one peer: a round's group of 16 from both sides.
    public var circuitCountMaxPerPeer = 32
    /// What goes through a circuit: 4 GiB each way in two hours carries the updates of hours, and a
    /// base model; go-libp2p's 128 KiB in two minutes carries no update.
    public var limit = CircuitLimit(seconds: 7_200, byteCount: 4 << 30)

    /// The defaults.
    public init() {}
}
