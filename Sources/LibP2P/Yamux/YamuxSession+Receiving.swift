extension YamuxSession {
    /// Takes bytes as they come from the peer, cut anywhere.
    ///
    /// - Returns: What they mean, in order. `failed` comes last, and only once.
    /// - Complexity: O(frames) and no copy of bodies, except of small parts of large inputs,
    ///   which would otherwise keep the whole input in memory.
    public mutating func receive(
        _ bytes: ArraySlice<UInt8>, now: Duration
    ) -> [YamuxDirective] {
        guard failure == nil, !bytes.isEmpty else { return [] }
        lastReceived = now
        var directives: [YamuxDirective] = []
        var rest = bytes
        do throws(YamuxError) {
            while !rest.isEmpty {
                switch parsing {
                case .header(let part):
                    if let header = try takeHeader(after: part, from: &rest) {
                        try handle(header, now: now, into: &directives)
                    }
                case .body(let id, let remaining, let isLast):
                    let piece = rest.prefix(remaining)
                    rest = rest.dropFirst(piece.count)
                    let isSmall = piece.count * 2 < bytes.count
                    deliver(isSmall ? ArraySlice(Array(piece)) : piece, to: id, into: &directives)
                    if piece.count < remaining {
                        parsing = .body(
                            streamID: id, remaining: remaining - piece.count, isLast: isLast
                        )
                    } else {
                        parsing = .header([])
                        if isLast, let id {
                            endReading(id, into: &directives)
                        }
                    }
                }
                if let failure { throw failure }
            }
        } catch {
            fail(error)
            directives.append(.failed(error))
        }
        return directives
    }

    private mutating func takeHeader(
        after part: [UInt8], from rest: inout ArraySlice<UInt8>
    ) throws(YamuxError) -> YamuxHeader? {
        if part.isEmpty, rest.count >= YamuxHeader.byteCount {
            let header = try YamuxHeader(bytes: rest)
            rest = rest.dropFirst(YamuxHeader.byteCount)
            return header
        }
        let missing = rest.prefix(YamuxHeader.byteCount - part.count)
        rest = rest.dropFirst(missing.count)
        let bytes = part + missing
        guard bytes.count == YamuxHeader.byteCount else {
            parsing = .header(bytes)
            return nil
        }
        parsing = .header([])
        return try YamuxHeader(bytes: bytes[...])
    }

    private mutating func deliver(
        _ bytes: ArraySlice<UInt8>, to id: YamuxStreamID?, into directives: inout [YamuxDirective]
    ) {
        // The stream may have been reset since the header: then the body is thrown away.
        guard let id, streams[id]?.isRead == true else { return }
        directives.append(.data(id, bytes))
    }

    private mutating func endReading(
        _ id: YamuxStreamID, into directives: inout [YamuxDirective]
    ) {
        if streams[id]?.isRead == true {
            directives.append(.finished(id))
        }
        streams[id]?.isReadOpen = false
        releaseIfEnded(id)
    }

    private mutating func handle(
        _ header: YamuxHeader, now: Duration, into directives: inout [YamuxDirective]
    ) throws(YamuxError) {
        if header.isIdle { try countIdle(now: now) }
        switch header.kind {
        case .ping:
            guard header.streamID == 0 else { throw .invalidStreamID(header.streamID) }
            handlePing(header, now: now)
        case .goAway:
            guard header.streamID == 0 else { throw .invalidStreamID(header.streamID) }
            try handleGoAway(code: header.length)
        case .data, .windowUpdate:
            guard header.streamID != 0 else { throw .invalidStreamID(0) }
            if header.kind == .data, header.length > UInt32(limits.bodyByteCountMax) {
                throw .bodyTooLong(byteCount: Int(header.length), limit: limits.bodyByteCountMax)
            }
            if header.flags.contains(.syn) {
                try handleOpen(header, now: now, into: &directives)
            } else if isStray(header) {
                try countIdle(now: now)
            }
            try handleStreamFrame(header, into: &directives)
        }
    }

    /// Whether the frame is for no stream that is there, or ends again what has ended.
    private func isStray(_ header: YamuxHeader) -> Bool {
        guard !header.flags.contains(.rst) else { return false }
        guard let stream = streams[header.streamID] else { return true }
        return !stream.isReadOpen && header.length == 0 && header.flags.contains(.fin)
    }

    private mutating func countIdle(now: Duration) throws(YamuxError) {
        guard idleRate.take(now: now) else {
            throw .idleFramesExceeded(perSecond: limits.idleFrameRatePerSecond)
        }
    }

    /// Counts bytes of the transport that hold no frame at all among the frames that move nothing.
    public mutating func receiveNothing(now: Duration) -> [YamuxDirective] {
        guard failure == nil else { return [] }
        do {
            try countIdle(now: now)
            return []
        } catch {
            fail(error)
            return [.failed(error)]
        }
    }

    /// A go-away with code 0 lets the streams end; any other code ends the session.
    private mutating func handleGoAway(code: UInt32) throws(YamuxError) {
        remoteGoAwayCode = code
        guard code == 0, !streams.isEmpty else { throw .remoteGoAway(code: code) }
    }

    private mutating func handleOpen(
        _ header: YamuxHeader, now: Duration, into directives: inout [YamuxDirective]
    ) throws(YamuxError) {
        let id = header.streamID
        let isOfPeer = (id % 2 == 0) == (role == .dialer)
        guard isOfPeer else { throw .invalidStreamID(id) }
        guard streams[id] == nil else { throw .streamOpenedTwice(id) }
        guard !header.flags.contains(.rst) else { return }
        guard openRate.take(now: now) else {
            refusalCount += 1
            refusals[.openRate, default: 0] += 1
            if refusalCount > limits.refusalCountMax {
                throw .openRateExceeded(refusalCount: refusalCount)
            }
            return queueControl(.reset(id))
        }
        refusalCount = 0
        if let refusal {
            refusals[refusal, default: 0] += 1
            return queueControl(.reset(id))
        }
        inboundCount += 1
        streams[id] = YamuxStreamState(isOutbound: false, priority: .bulk, now: now)
        queueControl(.accept(id))
        directives.append(.opened(id))
    }

    /// Why no stream of the peer is taken at present.
    private var refusal: YamuxRefusal? {
        if hasSentGoAway || remoteGoAwayCode != nil { return .ending }
        if !acceptsStreams { return .noMemory }
        return inboundCount < limits.inboundStreamCountMax ? nil : .streamCount
    }

    private mutating func handleStreamFrame(
        _ header: YamuxHeader, into directives: inout [YamuxDirective]
    ) throws(YamuxError) {
        let id = header.streamID
        guard let isAcknowledged = streams[id]?.isAcknowledged else {
            return skip(header.bodyByteCount)
        }
        if header.flags.contains(.rst) {
            release(id)
            directives.append(.reset(id))
            return skip(header.bodyByteCount)
        }
        if !isAcknowledged {
            streams[id]?.isAcknowledged = true
            unacknowledgedCount -= 1
        }
        switch header.kind {
        case .data:
            try handleData(header, into: &directives)
        default:
            try handleCredit(header, into: &directives)
        }
    }

    private mutating func handleCredit(
        _ header: YamuxHeader, into directives: inout [YamuxDirective]
    ) throws(YamuxError) {
        let id = header.streamID
        let window = (streams[id]?.sendWindow ?? 0) + Int(header.length)
        guard window <= Int(UInt32.max) else { throw .creditOverflow(streamID: id) }
        streams[id]?.sendWindow = window
        // As long as the rest goes out, there is time for it.
        if streams[id]?.abandonedAt != nil, streams[id]?.isWriteOpen == true {
            streams[id]?.abandonedAt = lastReceived
        }
        markReady(id)
        if header.flags.contains(.fin) {
            endReading(id, into: &directives)
        }
    }

    private mutating func handleData(
        _ header: YamuxHeader, into directives: inout [YamuxDirective]
    ) throws(YamuxError) {
        let id = header.streamID
        let byteCount = header.bodyByteCount
        let isLast = header.flags.contains(.fin)
        guard streams[id]?.isReadOpen == true else {
            // A second FIN is harmless, and usual for rust-yamux. Data behind a FIN is not: the
            // peer has lost track of the stream.
            guard byteCount > 0 else { return }
            reset(id)
            directives.append(.reset(id))
            return skip(byteCount)
        }
        let window = streams[id]?.receiveWindow ?? 0
        guard byteCount <= window else {
            throw .windowExceeded(streamID: id, byteCount: byteCount, window: window)
        }
        streams[id]?.receiveWindow = window - byteCount
        if byteCount > 0 {
            parsing = .body(streamID: id, remaining: byteCount, isLast: isLast)
        } else if isLast {
            endReading(id, into: &directives)
        }
    }

    private mutating func skip(_ byteCount: Int) {
        if byteCount > 0 {
            parsing = .body(streamID: nil, remaining: byteCount, isLast: false)
        }
    }
}
