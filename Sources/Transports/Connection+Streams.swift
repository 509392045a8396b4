internal import LibP2P
internal import Logging
internal import NIOCore

/// Opening, negotiating and ending streams.
extension Connection {
    // MARK: Outbound

    /// Opens a stream.
    ///
    /// - Parameter isLazy: Whether to hand the stream out before the peer has agreed; a refusal
    ///   then fails the stream.
    func openStream(protocolID: String, isLazy: Bool, promise: EventLoopPromise<SwarmStream>) {
        guard endReason == nil, let handle else {
            return promise.fail(TransportError.connectionClosed(endReason ?? .remoteClosed))
        }
        if let limit = scope.openStream() {
            return promise.fail(TransportError.streamRefused(limit))
        }
        let id: YamuxStreamID
        do throws(YamuxError) {
            id = try session.openStream(priority: owner.priority(of: protocolID), now: now)
        } catch {
            scope.closeStream()
            switch error {
            case .tooManyUnacknowledged, .streamIDsExhausted:
                return promise.fail(TransportError.streamLimitReached)
            default:
                return promise.fail(TransportError.connectionClosed(.remoteGoAway(code: 0)))
            }
        }
        let negotiation = NegotiationInstance.dialer([protocolID])
        let entry = StreamEntry(
            id: id, buffers: StreamBuffers(scope: scope),
            negotiation: .outbound(negotiation, protocolID: protocolID, isLazy ? nil : promise)
        )
        streams[id] = entry
        scheduleTimeout(of: entry)
        for case .send(let bytes) in negotiation.start() {
            send(bytes, on: entry)
        }
        if isLazy {
            promise.succeed(stream(entry, protocolID, isOutbound: true, handle))
        }
        pump()
    }

    // MARK: Inbound

    func beginInbound(_ id: YamuxStreamID) {
        if let limit = scope.openStream() {
            noteRefusal(of: "streams", "\(limit)", count: 1)
            return session.reset(id)
        }
        let negotiation = NegotiationInstance.listener { [owner] in owner.serves($0) }
        let entry = StreamEntry(
            id: id, buffers: StreamBuffers(scope: scope), negotiation: .inbound(negotiation)
        )
        streams[id] = entry
        scheduleTimeout(of: entry)
    }

    /// Hands received bytes to a stream's user, or to its negotiation.
    func deliver(_ bytes: ArraySlice<UInt8>, to id: YamuxStreamID) {
        guard let entry = streams[id] else { return }
        guard let negotiation = entry.negotiation else {
            if entry.buffers.append(bytes) { wakeLater(entry.buffers) }
            return
        }
        do throws(LibP2PError) {
            switch negotiation {
            case .inbound(var instance):
                let directives = try instance.receive(Array(bytes))
                entry.negotiation = .inbound(instance)
                carryOut(directives, received: bytes.count, on: entry)
            case .outbound(var instance, let protocolID, let promise):
                let directives = try instance.receive(Array(bytes))
                entry.negotiation = .outbound(instance, protocolID: protocolID, promise)
                carryOut(directives, received: bytes.count, on: entry)
            }
        } catch {
            failNegotiation(of: entry, error)
        }
    }

    private func carryOut(
        _ directives: [NegotiationInstance.Directive], received byteCount: Int,
        on entry: StreamEntry
    ) {
        var consumed = byteCount
        var delay: Duration?
        for directive in directives {
            switch directive {
            case .send(let bytes):
                if let delay {
                    context?.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) {
                        self.send(bytes, on: entry)
                        self.pump()
                    }
                } else {
                    send(bytes, on: entry)
                }
            case .proposalRefused(let protocolID):
                if refusals.add(now: now) > limits.promptRefusalCountMax {
                    delay = limits.refusalDelay
                }
                logger.debug("protocol refused", metadata: ["protocol": "\(protocolID)"])
            case .selected(let protocolID, let remainder):
                consumed -= remainder.count
                finishNegotiation(of: entry, protocolID, remainder)
            }
        }
        session.consume(consumed, of: entry.id, now: now)
    }

    private func finishNegotiation(
        of entry: StreamEntry, _ protocolID: String, _ remainder: [UInt8]
    ) {
        guard let handle, let negotiation = entry.negotiation else { return }
        entry.timeout?.cancel()
        entry.negotiation = nil
        if entry.buffers.append(remainder[...]) { wakeLater(entry.buffers) }
        switch negotiation {
        case .inbound:
            let count = inboundCounts[protocolID, default: 0]
            guard count < limits.inboundStreamCountMaxPerProtocol else {
                let limit = ResourceLimit.streamsPerProtocol(
                    protocolID, limits.inboundStreamCountMaxPerProtocol)
                noteRefusal(of: "streams", "\(limit)", count: 1)
                return failStream(entry, .streamRefused(limit))
            }
            inboundCounts[protocolID] = count + 1
            entry.countedProtocol = protocolID
            session.setPriority(owner.priority(of: protocolID), of: entry.id)
            owner.serve(stream(entry, protocolID, isOutbound: false, handle), on: handle)
        case .outbound(_, _, let promise):
            promise?.succeed(stream(entry, protocolID, isOutbound: true, handle))
        }
    }

    private func failNegotiation(of entry: StreamEntry, _ reason: LibP2PError) {
        let error: TransportError
        switch (reason, entry.negotiation) {
        case (.protocolsRefused, .outbound(_, let protocolID, _)):
            error = .protocolUnsupported(protocolID)
        default:
            error = .negotiationFailed(reason)
        }
        failStream(entry, error)
    }

    private func failStream(_ entry: StreamEntry, _ error: TransportError) {
        entry.failNegotiation(error)
        entry.buffers.fail(error)
        resetStream(entry.id)
    }

    private func scheduleTimeout(of entry: StreamEntry) {
        let timeout = limits.streamNegotiationTimeout
        entry.timeout = context?.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) {
            self.failStream(entry, .timedOut(after: timeout))
        }
    }

    private func stream(
        _ entry: StreamEntry, _ protocolID: String, isOutbound: Bool, _ handle: ConnectionHandle
    ) -> SwarmStream {
        SwarmStream(
            protocolID: protocolID, isOutbound: isOutbound, id: entry.id, buffers: entry.buffers,
            connection: handle
        )
    }

    private func send(_ bytes: [UInt8], on entry: StreamEntry) {
        guard streams[entry.id] != nil else { return }
        do throws(YamuxError) {
            try session.write(bytes[...], to: entry.id)
            entry.buffers.willSend(bytes.count)
        } catch {
            failStream(entry, .streamReset)
        }
    }

    /// Takes a stream out of the table and out of the counts.
    @discardableResult
    func forgetStream(_ id: YamuxStreamID) -> StreamEntry? {
        guard let entry = streams.removeValue(forKey: id) else { return nil }
        scope.closeStream()
        if let name = entry.countedProtocol, let count = inboundCounts[name] {
            inboundCounts[name] = count > 1 ? count - 1 : nil
        }
        return entry
    }

    // MARK: What streams ask for

    func finishReading(_ id: YamuxStreamID) {
        guard let entry = streams[id] else { return }
        if entry.negotiation != nil {
            failNegotiation(of: entry, .truncated(.negotiation))
        } else {
            entry.buffers.finishReading()
        }
    }

    /// Moves what a stream's user has written into the session.
    func flushStream(_ id: YamuxStreamID) {
        guard let entry = streams[id], endReason == nil else { return }
        let (chunks, isClosed) = entry.buffers.takeOutbox()
        do throws(YamuxError) {
            for chunk in chunks {
                try session.write(chunk, to: id)
            }
        } catch {
            return failStream(entry, .streamReset)
        }
        if isClosed { session.finish(id) }
        pump()
    }

    /// Grants credit for what a stream's user has read.
    ///
    /// Bulk waits for it where the bound on received bytes is used up.
    func reportConsumed(_ id: YamuxStreamID) {
        guard let entry = streams[id], endReason == nil else { return }
        let wait = creditPausedUntil - now
        if wait > .zero, session.priority(of: id) == .bulk, let context {
            // What is read meanwhile asks for no report of its own.
            context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(wait)) {
                self.reportConsumed(id)
            }
            return
        }
        session.growthAllowanceByteCount = growthAllowance
        session.consume(entry.buffers.takeConsumed(), of: id, now: now)
        syncGrowth()
        pump()
    }

    func resetStream(_ id: YamuxStreamID) {
        guard endReason == nil, let entry = forgetStream(id) else { return }
        entry.timeout?.cancel()
        session.reset(id)
        syncGrowth()
        pump()
    }

    /// The stream's user has let go of it.
    func dropStream(_ id: YamuxStreamID) {
        guard endReason == nil, let entry = streams[id] else { return }
        guard entry.buffers.isWriteClosed else { return resetStream(id) }
        forgetStream(id)
        entry.timeout?.cancel()
        entry.buffers.abandonReading()
        session.abandonReading(id, now: now)
        pump()
    }
}
