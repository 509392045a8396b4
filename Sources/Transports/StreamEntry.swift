internal import LibP2P
internal import NIOCore

/// A stream on its connection's loop: what its user sees, and the negotiation before it.
final class StreamEntry {
    /// The agreement on a stream's protocol.
    enum Negotiation {
        case inbound(NegotiationInstance)
        /// The promise is gone where the stream was handed out before the answer.
        case outbound(NegotiationInstance, protocolID: String, EventLoopPromise<SwarmStream>?)
    }

    let id: YamuxStreamID
    let buffers: StreamBuffers
    var negotiation: Negotiation?
    var timeout: Scheduled<Void>?
    /// The protocol whose inbound streams this one counts among.
    var countedProtocol: String?

    init(id: YamuxStreamID, buffers: StreamBuffers, negotiation: Negotiation) {
        self.id = id
        self.buffers = buffers
        self.negotiation = negotiation
    }

    /// Ends the negotiation without an agreement.
    func failNegotiation(_ error: TransportError) {
        timeout?.cancel()
        if case .outbound(_, _, let promise) = negotiation { promise?.fail(error) }
        negotiation = nil
    }
}
