internal import LibP2P
internal import NIOCore

/// Drives an upgrade on its channel and leaves the pipeline when it is done.
///
/// Confined to the channel's event loop.
final class UpgradeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How an upgrade ends; called once, on the event loop.
    typealias Completion = (
        ChannelHandlerContext, Result<UpgradeInstance.Upgraded, TransportError>
    ) -> Void

    private var instance: UpgradeInstance
    private let limits: TransportLimits
    private var completion: Completion?
    private var stageTimeout: Scheduled<Void>?
    private var totalTimeout: Scheduled<Void>?

    init(
        instance: UpgradeInstance, limits: TransportLimits, completion: @escaping Completion
    ) {
        self.instance = instance
        self.limits = limits
        self.completion = completion
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard totalTimeout == nil, completion != nil else { return }
        totalTimeout = scheduleTimeout(limits.upgradeTimeout, context)
        stageTimeout = scheduleTimeout(limits.negotiationTimeout, context)
        do throws(UpgradeInstance.Failure) {
            send(try instance.start(), context)
        } catch {
            fail(error, context)
        }
    }

    private func scheduleTimeout(
        _ timeout: Duration, _ context: ChannelHandlerContext
    ) -> Scheduled<Void> {
        context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) {
            self.complete(
                .failure(.upgradeFailed(stage: self.instance.stage, reason: .timedOut)), context
            )
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard completion != nil else { return context.fireChannelRead(data) }
        let stage = instance.stage
        do throws(UpgradeInstance.Failure) {
            let (bytes, upgraded) = try instance.receive(unwrapInboundIn(data))
            send(bytes, context)
            if let upgraded {
                complete(.success(upgraded), context)
            } else if instance.stage != stage {
                stageTimeout?.cancel()
                stageTimeout = scheduleTimeout(limits.negotiationTimeout, context)
            }
        } catch {
            fail(error, context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        complete(
            .failure(.upgradeFailed(stage: instance.stage, reason: .remoteClosed)), context
        )
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let reason = DisconnectReason(socketError: error)
        complete(.failure(.upgradeFailed(stage: instance.stage, reason: reason)), context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        complete(
            .failure(.upgradeFailed(stage: instance.stage, reason: .remoteClosed)), context
        )
    }

    private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        guard !bytes.isEmpty else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }

    private func fail(_ failure: UpgradeInstance.Failure, _ context: ChannelHandlerContext) {
        let error: TransportError
        switch (failure.reason, failure.stage) {
        case (.peerMismatch(let expected, let actual), _):
            error = .peerMismatch(expected: expected, actual: actual)
        case (let reason, .handshake):
            error = .upgradeFailed(stage: .handshake, reason: .handshakeFailed(reason))
        case (let reason, let stage):
            error = .upgradeFailed(stage: stage, reason: .negotiationFailed(reason))
        }
        complete(.failure(error), context)
    }

    private func complete(
        _ result: Result<UpgradeInstance.Upgraded, TransportError>,
        _ context: ChannelHandlerContext
    ) {
        guard let completion = completion.take() else { return }
        stageTimeout?.cancel()
        totalTimeout?.cancel()
        completion(context, result)
    }
}

extension DisconnectReason {
    init(socketError error: any Error) {
        if let end = error as? CircuitEnd {
            self = .circuitEnded(end)
        } else if let error = error as? IOError {
            self = .socketFailed(code: error.errnoCode, detail: error.description)
        } else {
            self = .socketFailed(code: nil, detail: String(describing: error))
        }
    }
}

extension Duration {
    /// A reading of NIO's clock as a time since its start.
    init(_ deadline: NIODeadline) {
        self = .nanoseconds(Int64(clamping: deadline.uptimeNanoseconds))
    }
}
