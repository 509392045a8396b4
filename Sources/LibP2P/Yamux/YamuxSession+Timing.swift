extension YamuxSession {
    /// When `tick` has something to do next.
    public var nextDeadline: Duration {
        if let outstandingPing {
            max(outstandingPing.sentAt, lastReceived) + limits.keepAliveTimeout
        } else {
            lastReceived + limits.keepAliveInterval
        }
    }

    /// Sends a keep-alive ping when the peer was silent for long, gives up on a peer that does
    /// not answer, and resets streams that the peer does not end.
    ///
    /// - Returns: `failed` if the peer did not answer, and resets of lingering streams.
    public mutating func tick(now: Duration) -> [YamuxDirective] {
        guard failure == nil else { return [] }
        let lingering = streams.filter { entry in
            guard let since = entry.value.abandonedAt else { return false }
            // A peer that grants no credit does not keep what is left to send here for ever.
            return now - since >= limits.lingerTimeout
                && (!entry.value.isWriteOpen || entry.value.sendWindow == 0)
        }
        for id in lingering.keys.sorted() {
            reset(id)
        }
        if let failure { return [.failed(failure)] }
        if let ping = outstandingPing {
            // Bytes that arrive show a living peer whose answer waits behind them.
            if now - max(ping.sentAt, lastReceived) >= limits.keepAliveTimeout {
                let error = YamuxError.keepAliveTimeout(after: limits.keepAliveTimeout)
                fail(error)
                return [.failed(error)]
            }
        } else if now - lastReceived >= limits.keepAliveInterval {
            startPing(now: now)
        }
        return lingering.keys.sorted().map { .reset($0) }
    }

    /// Asks the peer for a sign of life, unless it has been asked already.
    public mutating func ping(now: Duration) {
        guard failure == nil, outstandingPing == nil else { return }
        startPing(now: now)
    }

    /// Ends the session in order: no new streams, the open ones may end.
    ///
    /// - Parameter code: What the peer is told; 0 is a normal end.
    public mutating func goAway(code: UInt32 = 0) {
        guard failure == nil, !hasSentGoAway || code != 0 else { return }
        hasSentGoAway = true
        control.append(.goAway(code: code))
    }

    mutating func startPing(now: Duration) {
        nextPingValue &+= 1
        outstandingPing = (nextPingValue, now)
        control.append(.ping(nextPingValue))
    }

    mutating func handlePing(_ header: YamuxHeader, now: Duration) {
        if header.flags.contains(.syn) {
            queueControl(.pong(header.length))
        } else if header.flags.contains(.ack), let ping = outstandingPing,
            ping.value == header.length
        {
            outstandingPing = nil
            let sample = now - ping.sentAt
            roundTripTime = roundTripTime.map { ($0 * 7 + sample) / 8 } ?? sample
        }
    }
}
