internal import LibP2P
internal import NIOCore

/// Keeping to the bounds on bytes a second.
extension Connection {
    /// Leaves the peer's bytes in the socket for a while.
    ///
    /// No longer than the peer waits for the answer to a ping.
    func pauseReading(for wait: Duration, _ context: ChannelHandlerContext) {
        let isPaused = readingPausedUntil > now
        readingPausedUntil = now + min(wait, YamuxLimits().keepAliveTimeout / 2)
        guard !isPaused else { return }
        context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
        resumeReading(context)
    }

    private func resumeReading(_ context: ChannelHandlerContext) {
        let wait = max(readingPausedUntil - now, .milliseconds(1))
        context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(wait)) {
            guard self.endReason == nil else { return }
            // Bytes that were on their way already may have made the pause longer.
            if self.now < self.readingPausedUntil { return self.resumeReading(context) }
            context.channel.setOption(.autoRead, value: true).whenFailure { _ in }
        }
    }

    /// Leaves bulk in its queues for a while; what is prompt goes on.
    func pauseSending(for wait: Duration, _ context: ChannelHandlerContext) {
        let isPaused = sendingPausedUntil > now
        sendingPausedUntil = now + wait
        guard !isPaused else { return }
        resumeSending(at: sendingPausedUntil, context)
    }

    private func resumeSending(at time: Duration, _ context: ChannelHandlerContext) {
        let wait = max(time - now, .milliseconds(1))
        context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(wait)) {
            guard self.endReason == nil else { return }
            if self.now < self.sendingPausedUntil {
                self.resumeSending(at: self.sendingPausedUntil, context)
            } else {
                self.pump()
            }
        }
    }
}
