internal import Cryptography
internal import NIOCore

/// Lays the key stream of a private network over a socket, below everything else.
///
/// Each side sends 24 random bytes, then its bytes under the key and that nonce. It authenticates
/// nothing: with another key the first negotiation reads noise and fails. Confined to the channel's
/// event loop. Source: libp2p, Private Networks: Pre-Shared Key V1.
final class PrivateNetworkHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let key: NetworkKey
    private var sending: XSalsa20Stream?
    private var receiving: XSalsa20Stream?
    private var remoteNonce: [UInt8] = []

    init(key: NetworkKey) {
        self.key = key
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        if receiving == nil {
            let missing = XSalsa20Stream.nonceByteCount - remoteNonce.count
            remoteNonce += buffer.readBytes(length: min(missing, buffer.readableBytes)) ?? []
            receiving = XSalsa20Stream(key: key.bytes, nonce: remoteNonce)
        }
        guard receiving != nil, buffer.readableBytes > 0 else { return }
        unsafe buffer.withUnsafeMutableReadableBytes { unsafe receiving?.apply(to: $0) }
        context.fireChannelRead(wrapInboundOut(buffer))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var buffer = unwrapOutboundIn(data)
        guard buffer.readableBytes > 0 else { return context.write(data, promise: promise) }
        if sending == nil {
            let nonce = SystemRandom.bytes(XSalsa20Stream.nonceByteCount)
            sending = XSalsa20Stream(key: key.bytes, nonce: nonce)
            context.write(wrapOutboundOut(ByteBuffer(bytes: nonce)), promise: nil)
        }
        unsafe buffer.withUnsafeMutableReadableBytes { unsafe sending?.apply(to: $0) }
        context.write(wrapOutboundOut(buffer), promise: promise)
    }
}
