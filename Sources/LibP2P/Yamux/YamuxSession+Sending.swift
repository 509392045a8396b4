extension YamuxSession {
    /// Whether `nextFrame` would return a frame.
    ///
    /// It may be true where all that is queued belongs to streams that have been reset since.
    public var hasFrames: Bool {
        !control.isEmpty || !promptReady.isEmpty || !bulkReady.isEmpty
    }

    /// Takes the next frame to send: pings and window updates, then prompt streams, then bulk
    /// ones; streams of one class in turns of one frame.
    ///
    /// Source: network specification, section 6.4.
    ///
    /// - Parameters:
    ///   - payloadByteCountMax: The room behind the header; at least 1.
    ///   - allowsBulk: Whether bulk streams may send too.
    public mutating func nextFrame(
        payloadByteCountMax: Int = .max, allowsBulk: Bool = true
    ) -> YamuxFrame? {
        precondition(payloadByteCountMax > 0, "no room for \(payloadByteCountMax) bytes")
        while let frame = control.popFirst() {
            if let header = header(of: frame) {
                return YamuxFrame(header: header)
            }
        }
        let room = min(payloadByteCountMax, limits.framePayloadByteCountMax)
        while let id = promptReady.popFirst() ?? (allowsBulk ? bulkReady.popFirst() : nil) {
            if let frame = dataFrame(of: id, room: room) {
                return frame
            }
        }
        return nil
    }

    private mutating func header(of frame: ControlFrame) -> YamuxHeader? {
        switch frame {
        case .open(let id): announce(id, flags: .syn)
        case .accept(let id): announce(id, flags: .ack)
        case .credit(let id): creditHeader(id)
        case .reset(let id):
            YamuxHeader(kind: .windowUpdate, flags: .rst, streamID: id, length: 0)
        case .ping(let value):
            YamuxHeader(kind: .ping, flags: .syn, streamID: 0, length: value)
        case .pong(let value):
            YamuxHeader(kind: .ping, flags: .ack, streamID: 0, length: value)
        case .goAway(let code):
            YamuxHeader(kind: .goAway, streamID: 0, length: code)
        }
    }

    private mutating func announce(
        _ id: YamuxStreamID, flags: YamuxHeader.Flags
    ) -> YamuxHeader? {
        guard streams[id] != nil else { return nil }
        return YamuxHeader(kind: .windowUpdate, flags: flags, streamID: id, length: 0)
    }

    private mutating func creditHeader(_ id: YamuxStreamID) -> YamuxHeader? {
        guard let credit = streams[id]?.pendingCredit, streams[id]?.isReadOpen == true else {
            return nil
        }
        streams[id]?.pendingCredit = 0
        streams[id]?.isCreditQueued = false
        return YamuxHeader(
            kind: .windowUpdate, streamID: id, length: UInt32(truncatingIfNeeded: credit)
        )
    }

    private mutating func dataFrame(of id: YamuxStreamID, room: Int) -> YamuxFrame? {
        streams[id]?.isReady = false
        guard let taken = streams[id]?.takePayload(max: room) else { return nil }
        markReady(id)
        releaseIfEnded(id)
        return YamuxFrame(
            header: YamuxHeader(
                kind: .data, flags: taken.isLast ? .fin : [], streamID: id,
                length: UInt32(truncatingIfNeeded: taken.payload.count)
            ),
            payload: taken.payload
        )
    }
}
