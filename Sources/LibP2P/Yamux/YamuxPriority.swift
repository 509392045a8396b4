/// The order of streams on the wire; pings and window updates go before both.
public enum YamuxPriority: Hashable, Sendable {
    /// Small messages that must not wait behind transfers, such as gossip.
    case prompt
    /// Everything else.
    case bulk
}
