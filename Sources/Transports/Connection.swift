internal import LibP2P
internal import Logging
internal import NIOCore

/// A secured and multiplexed connection: Noise records around a yamux session, and the streams.
///
/// Confined to its channel's event loop; other threads reach it through its `ConnectionHandle`.
/// No frame leaves the loop: streams hand bytes over in `StreamBuffers`.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let owner: any ConnectionOwner
    let peer: PeerID
    let isDialer: Bool
    let limits: TransportLimits
    let scope: ResourceScope
    let logger: Logger

    private let noise: NoiseSession
    private var records: RecordReader
    private var sendBuffers = RecordBuffers()
    /// Whether the bytes go through a relay, and were counted on its socket.
    private let isRelayed: Bool
    private var early: (plaintext: [UInt8], ciphertext: ByteBuffer)?
    var session: YamuxSession
    var streams: [YamuxStreamID: StreamEntry] = [:]
    var refusals = RefusalCount()
    /// Inbound streams by protocol.
    var inboundCounts: [String: Int] = [:]
    private var refusalLog = LogThrottle()
    var sendingPausedUntil = Duration.zero
    var readingPausedUntil = Duration.zero
    /// Until when no credit is granted for bulk, to keep the bound on received bytes.
    var creditPausedUntil = Duration.zero
    /// What may be owed to that bound before the socket is left unread.
    private static let unreadWait = Duration.seconds(2)

    private(set) var context: ChannelHandlerContext?
    private(set) var handle: ConnectionHandle?
    private(set) var endReason: DisconnectReason?
    private var tick: Scheduled<Void>?
    private var reservedGrowth = 0
    private var isPumping = false
    /// Streams whose readers are woken once all that has come is handed out.
    private var unwoken: [StreamBuffers] = []
    private(set) var isRetiring = false
    private var retirementEnd = Duration.zero

    init(
        owner: any ConnectionOwner, isDialer: Bool, upgraded: UpgradeInstance.Upgraded,
        limits: TransportLimits, scope: ResourceScope, isRelayed: Bool = false, logger: Logger
    ) {
        self.isRelayed = isRelayed
        self.owner = owner
        self.isDialer = isDialer
        self.limits = limits
        self.scope = scope
        self.logger = logger
        noise = upgraded.noise
        peer = upgraded.noise.remotePeer
        records = upgraded.records
        early = (upgraded.plaintext, upgraded.ciphertext)
        session = YamuxSession(
            role: isDialer ? .dialer : .listener, limits: YamuxLimits(limits),
            now: Duration(NIODeadline.now())
        )
    }

    /// The time of the session's steady clock.
    var now: Duration { Duration(NIODeadline.now()) }

    // MARK: Life

    /// Starts the session; the handle is what the owner has entered in its table.
    func begin(handle: ConnectionHandle, context: ChannelHandlerContext) {
        self.context = context
        self.handle = handle
        scheduleTick()
        guard let early = early.take() else { return }
        carryOut(session.receive(early.plaintext[...], now: now))
        if early.ciphertext.readableBytes > 0 {
            receive(early.ciphertext)
        }
        wakeReaders()
        pump()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        let wait = scope.move(
            buffer.readableBytes, .received, now: now, isNested: isRelayed)
        receive(buffer)
        guard wait > .zero, endReason == nil else { return }
        creditPausedUntil = now + wait
        // Honest peers send no more bulk than they have credit for. Whoever goes on is not read.
        if wait > Self.unreadWait { pauseReading(for: wait - Self.unreadWait, context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        wakeReaders()
        pump()
    }

    /// Has the stream's reader woken when what has come is handed out: waking a thread costs as much
    /// as a tenth of a record, and several records come at once.
    func wakeLater(_ buffers: StreamBuffers) {
        if unwoken.last !== buffers { unwoken.append(buffers) }
    }

    private func wakeReaders() {
        for buffers in unwoken { buffers.wakeReader() }
        unwoken.removeAll(keepingCapacity: true)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pump()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(session.hasRemoteGoneAway ? .remoteGoAway(code: 0) : .remoteClosed)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // After a farewell the end of the circuit is no news.
        let isFarewell = isRelayed && session.hasRemoteGoneAway
        end(isFarewell ? .remoteGoAway(code: 0) : DisconnectReason(socketError: error))
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.remoteClosed)
        self.context = nil
    }

    /// Ends the connection: what is queued and a go-away are sent, then the socket is closed.
    ///
    /// Streams whose peer has not sent FIN see an error.
    func end(_ reason: DisconnectReason) {
        guard endReason == nil else { return }
        endReason = reason
        tick?.cancel()
        if reason.isOrderly {
            writeRecords(ignoringWritability: true)
            session.resetAll()
            let isCopy = reason == .duplicateIdentity
            session.goAway(code: isCopy ? DisconnectReason.duplicateIdentityCode : 0)
        }
        if reason.isOrderly || session.failure != nil {
            writeRecords(ignoringWritability: true)
        }
        wakeReaders()
        for entry in streams.values.sorted(by: { $0.id < $1.id }) {
            entry.failNegotiation(.connectionClosed(reason))
            entry.buffers.fail(.connectionClosed(reason))
        }
        for id in Array(streams.keys) { forgetStream(id) }
        scope.adjustWindows(by: -reservedGrowth)
        reservedGrowth = 0
        if let context, context.channel.isActive {
            close(context.channel, isOrderly: reason.isOrderly)
        }
        if let handle { owner.connectionEnded(handle, reason) }
        // The handle holds the connection: whoever still has a stream of it keeps both, nobody else.
        handle = nil
        tick = nil
    }

    /// Closes the socket once everything is written.
    ///
    /// After an orderly end the other side has the last word: a socket that is closed while bytes
    /// of the peer are on their way is reset, and the peer would lose what it was sent last.
    private func close(_ channel: any Channel, isOrderly: Bool) {
        let timeout = channel.eventLoop.scheduleTask(in: TimeAmount(limits.closeTimeout)) {
            channel.close(promise: nil)
        }
        channel.closeFuture.whenComplete { _ in timeout.cancel() }
        // NIO's close drops what is not written; an empty write ends when all before it have.
        channel.writeAndFlush(ByteBuffer()).whenComplete { _ in
            if !isOrderly { channel.close(promise: nil) }
        }
    }

    /// Ends the connection once its streams have, in favour of another with the same peer; after a
    /// while in any case, since streams may be of the lasting kind.
    ///
    /// The peer is told a second later: until then it may not have entered the other connection, and
    /// would have none to open streams on.
    func retire() {
        guard endReason == nil, !isRetiring else { return }
        isRetiring = true
        retirementEnd = now + (isRelayed ? limits.relayedGrace : limits.crossedGrace)
        inASecond { connection in
            connection.session.goAway()
            connection.pump()
            connection.endIfRetired()
        }
    }

    private func endIfRetired() {
        inASecond { connection in
            if connection.session.streamCount == 0 || connection.retirementEnd <= connection.now {
                connection.end(.duplicate)
            } else {
                connection.endIfRetired()
            }
        }
    }

    private func inASecond(_ work: @escaping (Connection) -> Void) {
        guard let context, endReason == nil else { return }
        context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) {
            if self.endReason == nil { work(self) }
        }
    }

    private func scheduleTick() {
        guard let context else { return }
        // Never a time that is over: the loop would do nothing else.
        let deadline = max(session.nextDeadline, now + .milliseconds(10)).components
        let nanoseconds =
            UInt64(clamping: deadline.seconds) &* 1_000_000_000
            &+ UInt64(clamping: deadline.attoseconds / 1_000_000_000)
        tick = context.eventLoop.assumeIsolated().scheduleTask(
            deadline: .uptimeNanoseconds(nanoseconds)
        ) {
            guard self.endReason == nil else { return }
            self.carryOut(self.session.tick(now: self.now))
            self.sendBuffers.removeAll()
            self.pump()
            if self.endReason == nil { self.scheduleTick() }
        }
    }

    // MARK: Receiving

    private func receive(_ buffer: ByteBuffer) {
        var buffer = buffer
        while endReason == nil, var record = records.next(from: &buffer) {
            let byteCount: Int
            do {
                byteCount = try unsafe record.withUnsafeMutableBytes { body in
                    try noise.receiveCipher.open(body: body)
                }
            } catch {
                return end(.recordInvalid((error as? LibP2PError) ?? .truncated(.noiseRecord)))
            }
            guard byteCount > 0 else {
                carryOut(session.receiveNothing(now: now))
                continue
            }
            session.acceptsStreams = scope.remaining > 0
            session.growthAllowanceByteCount = growthAllowance
            carryOut(session.receive(record.prefix(byteCount), now: now))
            for (refusal, count) in session.takeRefusals() {
                noteRefusal(of: "streams", "\(refusal)", count: count)
            }
        }
    }

    /// Writes to the log that something was refused, at most once a second.
    func noteRefusal(of subject: String, _ reason: String, count: Int) {
        guard let total = refusalLog.add(count, now: now) else { return }
        logger.info(
            "\(subject) refused", metadata: ["reason": "\(reason)", "count": "\(total)"])
    }

    /// Carries out what the session asks for.
    private func carryOut(_ directives: [YamuxDirective]) {
        for directive in directives {
            switch directive {
            case .opened(let id):
                beginInbound(id)
            case .data(let id, let bytes):
                deliver(bytes, to: id)
                if let limit = scope.exceeded { return end(.resourceExhausted(limit)) }
            case .finished(let id):
                finishReading(id)
            case .reset(let id):
                if let entry = forgetStream(id) {
                    entry.failNegotiation(.streamReset)
                    entry.buffers.fail(.streamReset)
                }
            case .failed(let error):
                endSession(error)
            }
        }
        syncGrowth()
    }

    private func endSession(_ error: YamuxError) {
        if case .remoteGoAway(let code) = error {
            end(.remoteGoAway(code: code))
        } else {
            end(.sessionFailed(error))
        }
    }

    /// What the session's windows may grow by.
    var growthAllowance: Int {
        min(scope.growthRemaining, max(0, scope.growthMax - session.grownByteCount))
    }

    /// Tells the process budget by how much the windows have grown or shrunk.
    func syncGrowth() {
        guard endReason == nil, session.grownByteCount != reservedGrowth else { return }
        scope.adjustWindows(by: session.grownByteCount - reservedGrowth)
        reservedGrowth = session.grownByteCount
    }

    // MARK: Sending

    /// Writes what the session has while the channel takes it.
    func pump() {
        guard !isPumping, endReason == nil else { return }
        // What is done to streams can end the session as well as what comes.
        if let failure = session.failure { return endSession(failure) }
        isPumping = true
        defer { isPumping = false }
        while writeRecords(ignoringWritability: false) {}
        if session.hasRemoteGoneAway, session.streamCount == 0 {
            end(.remoteGoAway(code: 0))
        }
    }

    /// Writes and flushes records; whether there was one.
    @discardableResult
    private func writeRecords(ignoringWritability: Bool) -> Bool {
        guard let context else { return false }
        var hasWritten = false
        while context.channel.isActive, ignoringWritability || context.channel.isWritable,
            let record = nextRecord(
                context, allowsBulk: ignoringWritability || now >= sendingPausedUntil)
        {
            let wait = scope.move(
                record.readableBytes, .sent, now: now, isNested: isRelayed)
            context.write(wrapOutboundOut(record), promise: nil)
            hasWritten = true
            if wait > .zero { pauseSending(for: wait, context) }
        }
        if hasWritten { context.flush() }
        return hasWritten
    }

    /// A record full of frames; `nil` if there is nothing to send.
    private func nextRecord(_ context: ChannelHandlerContext, allowsBulk: Bool) -> ByteBuffer? {
        // Below this the rest of a record is not worth a frame of its own.
        let fragmentByteCountMin = 1_024
        var room = RecordBuffers.plaintextByteCountMax
        guard let first = nextFrame(room, allowsBulk: allowsBulk) else { return nil }
        let isLarge = first.payload.count >= fragmentByteCountMin || session.hasFrames
        var record =
            isLarge
            ? sendBuffers.take(context.channel.allocator)
            : context.channel.allocator.buffer(capacity: 2_048)
        record.writeRepeatingByte(0, count: NoiseRecord.lengthByteCount)
        var next: YamuxFrame? = first
        while let frame = next {
            record.writeInteger(UInt16(frame.header.kind.rawValue))
            record.writeInteger(frame.header.flags.rawValue)
            record.writeInteger(frame.header.streamID)
            record.writeInteger(frame.header.length)
            record.writeBytes(frame.payload)
            room -= YamuxHeader.byteCount + frame.payload.count
            next =
                room > fragmentByteCountMin ? nextFrame(room, allowsBulk: allowsBulk) : nil
        }
        record.writeRepeatingByte(0, count: NoiseRecord.tagByteCount)
        do {
            try unsafe record.withUnsafeMutableReadableBytes { bytes in
                try noise.sendCipher.seal(record: bytes)
            }
        } catch {
            end(.recordInvalid((error as? LibP2PError) ?? .counterExhausted))
            return nil
        }
        if isLarge { sendBuffers.keep(record) }
        return record
    }

    private func nextFrame(_ room: Int, allowsBulk: Bool) -> YamuxFrame? {
        let frame = session.nextFrame(
            payloadByteCountMax: room - YamuxHeader.byteCount, allowsBulk: allowsBulk)
        if let frame, !frame.payload.isEmpty {
            streams[frame.header.streamID]?.buffers.didSend(frame.payload.count)
        }
        return frame
    }
}

extension DisconnectReason {
    /// Whether what is queued should still be sent.
    fileprivate var isOrderly: Bool {
        switch self {
        case .requested, .shutdown, .duplicate, .duplicateIdentity, .limitReached, .banned: true
        default: false
        }
    }
}
