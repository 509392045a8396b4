internal import LibP2P
internal import Synchronization

/// What waits to be sent to one peer, and the task that sends it.
final class GossipLink: Sendable {
    /// What the sending task does next.
    enum Step {
        case send([UInt8])
        /// Go on with a stream on another connection.
        case move
        case wait
        case end
    }

    private struct State {
        var queue = GossipSendQueue()
        var mustMove = false
        /// The connection on which the node sends.
        var connectionID: UInt64?
        var hasEnded = false
        var inbound: [SwarmStream] = []
    }

    /// Streams that a peer may have open to this node: one, and another while it changes.
    private static let inboundCountMax = 2

    let peer: PeerID
    private let state = Mutex(State())
    private let signals: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init(peer: PeerID) {
        self.peer = peer
        (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func push(_ bytes: [UInt8], _ precedence: GossipPrecedence) -> GossipSendQueue.Insertion {
        let insertion = state.withLock { $0.queue.push(bytes, precedence) }
        continuation.yield()
        return insertion
    }

    /// The connection on which the node sends.
    var connectionID: UInt64? { state.withLock(\.connectionID) }

    /// Notes the stream on which the node sends from now on.
    func use(_ stream: SwarmStream) {
        state.withLock { $0.connectionID = stream.connectionID }
    }

    /// Has the sending task open its stream anew, on the connection that is preferred by now.
    func move() {
        state.withLock { $0.mustMove = true }
        continuation.yield()
    }

    func end() {
        let inbound = state.withLock { state in
            state.hasEnded = true
            return state.inbound
        }
        for stream in inbound { stream.reset() }
        continuation.yield()
        continuation.finish()
    }

    /// The next step; `wait` after everything is sent.
    func next() -> Step {
        state.withLock { state in
            if state.hasEnded { return .end }
            if state.mustMove {
                state.mustMove = false
                return .move
            }
            return state.queue.pop().map(Step.send) ?? .wait
        }
    }

    /// Waits until there may be another step.
    func wait() async {
        var iterator = signals.makeAsyncIterator()
        _ = await iterator.next()
    }

    /// Enters a stream that the peer opened; the oldest of too many is reset.
    func enter(_ stream: SwarmStream) -> Bool {
        let (isEntered, surplus) = state.withLock { state -> (Bool, SwarmStream?) in
            guard !state.hasEnded else { return (false, nil) }
            state.inbound.append(stream)
            let isSurplus = state.inbound.count > Self.inboundCountMax
            return (true, isSurplus ? state.inbound.removeFirst() : nil)
        }
        surplus?.reset()
        return isEntered
    }

    func leave(_ stream: SwarmStream) {
        state.withLock { $0.inbound.removeAll { $0 === stream } }
    }
}
