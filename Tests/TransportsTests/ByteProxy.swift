import LibP2P
import NIOCore
import NIOPosix
import Transports

/// Stands between a dialler and a listener: passes the first bytes of each direction one at a
/// time, and can cut the connection.
struct ByteProxy {
    private let server: any Channel
    let address: Multiaddr

    /// - Parameter cut: When it is done, both sockets are closed without a word.
    init(to target: Multiaddr, splitByteCount: Int, cut: EventLoopPromise<Void>) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let (host, port) = target.tcpEndpoint ?? ("", 0)
        server = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { inbound in
                ClientBootstrap(group: inbound.eventLoop)
                    .channelOption(.autoRead, value: false)
                    .connect(host: host, port: Int(port))
                    .flatMapThrowing { outbound in
                        let splits = splitByteCount
                        try inbound.pipeline.syncOperations.addHandler(
                            Splitter(peer: outbound, splitByteCount: splits)
                        )
                        try outbound.pipeline.syncOperations.addHandler(
                            Splitter(peer: inbound, splitByteCount: splits)
                        )
                        for channel in [inbound, outbound] {
                            channel.setOption(.autoRead, value: true).whenComplete { _ in }
                            cut.futureResult.whenComplete { _ in channel.close(promise: nil) }
                        }
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = try Multiaddr(
            tcpHost: "127.0.0.1", port: UInt16(server.localAddress?.port ?? 0)
        )
    }

    func close() async throws {
        try await server.close()
    }

    private final class Splitter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let peer: any Channel
        private var splitByteCount: Int

        init(peer: any Channel, splitByteCount: Int) {
            self.peer = peer
            self.splitByteCount = splitByteCount
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = unwrapInboundIn(data)
            while splitByteCount > 0, let byte = buffer.readSlice(length: 1) {
                splitByteCount -= 1
                peer.writeAndFlush(byte, promise: nil)
            }
            if buffer.readableBytes > 0 {
                peer.writeAndFlush(buffer, promise: nil)
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            peer.close(promise: nil)
        }
    }
}
