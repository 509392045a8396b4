/// What a relay lets through one circuit.
public struct CircuitLimit: Hashable, Sendable, CustomStringConvertible {
    /// Without any bound.
    public static let none = CircuitLimit()

    /// How long a circuit lasts, in seconds; nil for no bound.
    public let seconds: UInt32?
    /// How many bytes go through in each direction; nil for no bound.
    public let byteCount: UInt64?

    /// Names the bounds; 0 is no bound, as on the wire.
    public init(seconds: UInt32? = nil, byteCount: UInt64? = nil) {
        self.seconds = seconds == 0 ? nil : seconds
        self.byteCount = byteCount == 0 ? nil : byteCount
    }

    /// Whether so many bytes fit through in one direction.
    public func carries(_ byteCountWanted: UInt64) -> Bool {
        byteCount.map { byteCountWanted <= $0 } ?? true
    }

    /// The bounds as a person reads them.
    public var description: String {
        let parts = [byteCount.map { "\($0) bytes" }, seconds.map { "\($0) s" }].compactMap(\.self)
        return parts.isEmpty ? "no limit" : parts.joined(separator: " and ")
    }

    init(_ message: RelayLimitMessage) {
        self.init(
            seconds: message.hasDuration ? message.duration : nil,
            byteCount: message.hasData ? message.data : nil)
    }

    var message: RelayLimitMessage {
        var message = RelayLimitMessage()
        message.duration = seconds ?? 0
        message.data = byteCount ?? 0
        return message
    }
}
