internal import LibP2P
internal import NIOCore
internal import Synchronization

/// A stream through a relay in the place of a socket: what lies on it is secured and multiplexed as
/// a TCP connection is.
///
/// It lives on the event loop of the stream's connection. Two tasks move the bytes: one reads the
/// stream and waits while the channel does not, one writes and waits while the stream is full, so
/// that the windows of the stream below hold back whoever is too fast.
final class CircuitChannel: Channel, ChannelCore {
    /// Bytes that were flushed, and whom to tell when the stream has taken them.
    struct Flushed: Sendable {
        let bytes: ByteBuffer
        let promise: EventLoopPromise<Void>?
    }

    struct State {
        var isAutoRead = true
        /// Kept while nothing is read.
        var resumption: EventLoopPromise<Void>?
        var unflushed: [Flushed] = []
        var unwrittenByteCount = 0
        var isClosed = false
        var sent: CircuitMeter
        var received: CircuitMeter
    }

    /// As with sockets: enough that one write is worth its cost.
    private static let waterMark = SocketOptions.waterMark
    /// The most that is read of the stream at once.
    private static let readByteCountMax = 256 << 10

    let allocator = ByteBufferAllocator()
    let eventLoop: any EventLoop
    let limit: CircuitLimit
    let since = ContinuousClock.now
    private let stream: SwarmStream
    private let state: NIOLoopBoundBox<State>
    private let closePromise: EventLoopPromise<Void>
    private let lazyPipeline = Mutex<ChannelPipeline?>(nil)
    private let isOpen = Atomic<Bool>(true)
    private let hasRoom = Atomic<Bool>(true)
    private let outbox: AsyncStream<Flushed>
    private let outboxContinuation: AsyncStream<Flushed>.Continuation

    /// Call on the stream's event loop, then ``start()``.
    init(stream: SwarmStream, limit: CircuitLimit) {
        self.stream = stream
        self.limit = limit
        eventLoop = stream.eventLoop
        closePromise = eventLoop.makePromise()
        state = NIOLoopBoundBox(
            State(
                sent: CircuitMeter(byteCountMax: limit.byteCount),
                received: CircuitMeter(byteCountMax: limit.byteCount)),
            eventLoop: eventLoop)
        // Bounded by the water mark, which stops whoever writes.
        (outbox, outboxContinuation) = AsyncStream.makeStream(of: Flushed.self)
    }

    /// Moves bytes until both directions have ended.
    func start() {
        Task {
            let reader = Task { await self.readAll() }
            // The end of either direction closes the channel, as with sockets, and that ends this.
            await self.writeAll()
            reader.cancel()
            await reader.value
            await self.stream.closeWrite()
        }
    }

    // MARK: Moving bytes

    private func readAll() async {
        do {
            while let bytes = try await stream.read(max: Self.readByteCountMax) {
                try await eventLoop.flatSubmit {
                    self.receive(ByteBuffer(bytes: bytes))
                }.get()
            }
            eventLoop.execute { self.finish(wasReset: false) }
        } catch {
            eventLoop.execute { self.finish(wasReset: true) }
        }
    }

    /// Hands bytes to the pipeline; the future comes when more may be read.
    private func receive(_ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        guard !state.value.isClosed else {
            return eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }
        _ = state.value.received.take(buffer.readableBytes)
        pipeline.syncOperations.fireChannelRead(NIOAny(buffer))
        pipeline.syncOperations.fireChannelReadComplete()
        guard !state.value.isAutoRead, !state.value.isClosed else {
            return eventLoop.makeSucceededVoidFuture()
        }
        let promise = eventLoop.makePromise(of: Void.self)
        state.value.resumption = promise
        return promise.futureResult
    }

    /// Writes until the channel is closed; then what is left is told to have failed.
    private func writeAll() async {
        for await flushed in outbox {
            do {
                try await stream.write(Array(flushed.bytes.readableBytesView))
                eventLoop.execute { self.didWrite(flushed) }
            } catch {
                flushed.promise?.fail(error)
                eventLoop.execute { self.finish(wasReset: true) }
            }
        }
    }

    private func didWrite(_ flushed: Flushed) {
        let count = flushed.bytes.readableBytes
        _ = state.value.sent.take(count)
        state.value.unwrittenByteCount -= count
        flushed.promise?.succeed()
        guard !state.value.isClosed, !hasRoom.load(ordering: .relaxed),
            state.value.unwrittenByteCount <= Self.waterMark.low
        else { return }
        hasRoom.store(true, ordering: .relaxed)
        pipeline.syncOperations.fireChannelWritabilityChanged()
    }

    /// The relay, or the far end, has ended the stream.
    private func finish(wasReset: Bool) {
        guard !state.value.isClosed else { return }
        if let end = circuitEnd(wasReset: wasReset) {
            pipeline.syncOperations.fireErrorCaught(end)
        }
        close0(error: ChannelError.eof, mode: .all, promise: nil)
    }

    /// What the end of the stream means; nil for a proper end.
    private func circuitEnd(wasReset: Bool) -> CircuitEnd? {
        if let most = limit.byteCount {
            // A relay that ends the stream has passed on all up to its limit; with one that resets it
            // some is lost on the way.
            let slack = wasReset ? min(most / 2, 1 << 20) : 0
            let counted = max(state.value.sent.byteCount, state.value.received.byteCount + slack)
            if counted >= most { return .byteLimit(most) }
        }
        // The relay's clock started before this one: by the way of its answer.
        let age = ContinuousClock.now - since + .seconds(2)
        if let seconds = limit.seconds, age >= .seconds(seconds) {
            return .timeLimit(seconds: seconds)
        }
        return wasReset ? .broken : nil
    }

    // MARK: Channel

    var pipeline: ChannelPipeline {
        lazyPipeline.withLock { pipeline in
            if let pipeline { return pipeline }
            let made = ChannelPipeline(channel: self)
            pipeline = made
            return made
        }
    }

    var closeFuture: EventLoopFuture<Void> { closePromise.futureResult }
    var localAddress: SocketAddress? { nil }
    var remoteAddress: SocketAddress? { nil }
    var parent: (any Channel)? { nil }
    var isWritable: Bool { hasRoom.load(ordering: .relaxed) }
    var isActive: Bool { isOpen.load(ordering: .relaxed) }
    var _channelCore: any ChannelCore { self }

    func setOption<Option: ChannelOption>(
        _ option: Option, value: Option.Value
    ) -> EventLoopFuture<Void> {
        guard let isReading = value as? Bool, option is ChannelOptions.Types.AutoReadOption else {
            return eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        return eventLoop.submit {
            self.state.value.isAutoRead = isReading
            if isReading { self.state.value.resumption.take()?.succeed() }
        }
    }

    func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }

    // MARK: ChannelCore

    func localAddress0() throws -> SocketAddress { throw ChannelError.unknownLocalAddress }
    func remoteAddress0() throws -> SocketAddress { throw ChannelError.operationUnsupported }
    func register0(promise: EventLoopPromise<Void>?) { promise?.succeed() }
    func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) { promise?.succeed() }
    func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }
    func connect0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }
    func read0() {}
    func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }
    func channelRead0(_ data: NIOAny) {}
    func errorCaught0(error: any Error) {}

    func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !state.value.isClosed else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        let bytes = unwrapData(data, as: ByteBuffer.self)
        state.value.unflushed.append(Flushed(bytes: bytes, promise: promise))
        state.value.unwrittenByteCount += bytes.readableBytes
        guard state.value.unwrittenByteCount >= Self.waterMark.high,
            hasRoom.exchange(false, ordering: .relaxed)
        else { return }
        pipeline.syncOperations.fireChannelWritabilityChanged()
    }

    func flush0() {
        let flushed = state.value.unflushed
        state.value.unflushed = []
        for item in flushed { outboxContinuation.yield(item) }
    }

    func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        guard !state.value.isClosed else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        state.value.isClosed = true
        isOpen.store(false, ordering: .relaxed)
        // As with a socket, what is not written by now is lost; what the stream has taken is not.
        if state.value.unwrittenByteCount > 0 { stream.reset() }
        for item in state.value.unflushed { item.promise?.fail(error) }
        state.value.unflushed = []
        state.value.resumption.take()?.fail(ChannelError.ioOnClosedChannel)
        outboxContinuation.finish()
        promise?.succeed()
        pipeline.syncOperations.fireChannelInactive()
        // Handlers may still be at work further up the stack.
        eventLoop.execute {
            self.removeHandlers(pipeline: self.pipeline)
            self.closePromise.succeed()
        }
    }
}

/// How a circuit ended that its own ends did not end.
public enum CircuitEnd: Error, Hashable, Sendable, CustomStringConvertible {
    /// The relay lets no more bytes through one circuit.
    case byteLimit(UInt64)
    /// The relay lets no circuit last longer.
    case timeLimit(seconds: UInt32)
    /// The relay or its connection is gone, or it broke the circuit off.
    case broken

    /// The end as a person reads it.
    public var description: String {
        switch self {
        case .byteLimit(let count): "the relay's limit of \(count) bytes a circuit was reached"
        case .timeLimit(let seconds): "the relay's limit of \(seconds) s a circuit was reached"
        case .broken: "the circuit broke off"
        }
    }
}
