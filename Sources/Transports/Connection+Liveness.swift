internal import LibP2P
internal import NIOCore

/// Whether the process at the other end still lives.
extension Connection {
    /// Asks the peer for a sign of life, and tells as soon as there is one, or that there was none in
    /// time.
    func probe(within limit: Duration, completion: @escaping @Sendable (Bool) -> Void) {
        guard endReason == nil, let context else { return completion(false) }
        session.ping(now: now)
        pump()
        awaitBytes(after: session.lastReceived, until: now + limit, context, completion)
    }

    private func awaitBytes(
        after before: Duration, until deadline: Duration, _ context: ChannelHandlerContext,
        _ completion: @escaping @Sendable (Bool) -> Void
    ) {
        guard endReason == nil else { return completion(false) }
        if session.lastReceived > before { return completion(true) }
        guard now < deadline else { return completion(false) }
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(20)) {
            self.awaitBytes(after: before, until: deadline, context, completion)
        }
    }

    /// Ends a connection that gives way to one that turned out to be no good.
    func endIfGivingWay() {
        if isRetiring { end(.duplicate) }
    }
}
