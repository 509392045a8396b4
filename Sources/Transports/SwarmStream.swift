public import LibP2P
internal import NIOCore

/// One stream with a peer: two directions of bytes that end separately.
///
/// At most one task reads and at most one writes at a time. A stream that is dropped without
/// `closeWrite()` is reset.
public final class SwarmStream: Sendable {
    /// The protocol that both sides agreed on.
    public let protocolID: String
    /// The other side.
    public let peer: PeerID
    /// Whether this node opened the stream.
    public let isOutbound: Bool

    let buffers: StreamBuffers
    private let connection: ConnectionHandle
    private let id: YamuxStreamID

    init(
        protocolID: String, isOutbound: Bool, id: YamuxStreamID, buffers: StreamBuffers,
        connection: ConnectionHandle
    ) {
        self.protocolID = protocolID
        self.isOutbound = isOutbound
        self.id = id
        self.buffers = buffers
        self.connection = connection
        peer = connection.peer
    }

    /// The other end of the socket.
    public var remoteAddress: Multiaddr { connection.remoteAddress }

    /// Memory that is taken for bytes which a peer has only announced: a chunk of an object.
    private static let reservedByteCountMax = 256 << 10

    /// The number of the connection that carries the stream.
    var connectionID: UInt64 { connection.id }

    var eventLoop: any EventLoop { connection.channel.eventLoop }

    deinit {
        connection.onLoop { [id] in $0.dropStream(id) }
    }

    // MARK: Reading

    /// The next bytes, at least one and at most `max`; `nil` after the peer closed its side.
    ///
    /// Reading is what grants the peer further credit.
    ///
    /// - Throws: `streamReset` or `connectionClosed`, after the bytes received before it.
    public func read(max: Int = 65_536) async throws(TransportError) -> [UInt8]? {
        try await readSlice(max: max).map(Array.init)
    }

    /// The same bytes where they lie.
    private func readSlice(max: Int) async throws(TransportError) -> ArraySlice<UInt8>? {
        while true {
            switch buffers.take(max: max) {
            case .bytes(let bytes, let mustReport):
                if mustReport {
                    connection.onLoop { [id] in $0.reportConsumed(id) }
                }
                return bytes
            case .finished: return nil
            case .failed(let error): throw error
            case .empty:
                guard !Task.isCancelled else { throw .cancelled }
                await buffers.waitForBytes()
            }
        }
    }

    /// Exactly `count` bytes; `nil` if the peer closed its side before the first one.
    ///
    /// - Throws: `endedEarly` if the peer closed its side in between.
    public func readExactly(_ count: Int) async throws(TransportError) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            guard let piece = try await readSlice(max: count - bytes.count) else {
                if bytes.isEmpty { return nil }
                throw .endedEarly(expectedByteCount: count, receivedByteCount: bytes.count)
            }
            if bytes.isEmpty {
                guard piece.count < count else { return Array(piece) }
                // No more than what is announced once a part of it is here, and never much of it.
                bytes.reserveCapacity(min(count, piece.count + Self.reservedByteCountMax))
            }
            bytes += piece
        }
        return bytes
    }

    /// The message behind an unsigned varint; `nil` if the peer closed its side before it.
    ///
    /// - Throws: `messageTooLarge` before anything is read for it, `malformedLength`.
    public func readLengthPrefixed(maxByteCount: Int) async throws(TransportError) -> [UInt8]? {
        var length: UInt64 = 0
        var prefixByteCount = 0
        while true {
            guard let byte = try await read(max: 1)?.first else {
                if prefixByteCount == 0 { return nil }
                throw .endedEarly(
                    expectedByteCount: prefixByteCount + 1, receivedByteCount: prefixByteCount
                )
            }
            guard prefixByteCount < UVarint.byteCountMax, prefixByteCount == 0 || byte != 0 else {
                throw .malformedLength
            }
            length |= UInt64(byte & 0x7F) << UInt64(7 * prefixByteCount)
            prefixByteCount += 1
            if byte & 0x80 == 0 { break }
        }
        guard length <= UInt64(maxByteCount) else {
            throw .messageTooLarge(byteCount: length, limit: maxByteCount)
        }
        let count = Int(length)
        guard count > 0 else { return [] }
        guard let message = try await readExactly(count) else {
            throw .endedEarly(expectedByteCount: count, receivedByteCount: 0)
        }
        return message
    }

    // MARK: Writing

    /// Sends bytes; returns once they are sent or fit this stream's send queue.
    ///
    /// A cancelled write sends nothing.
    public func write(_ bytes: [UInt8]) async throws(TransportError) {
        guard !bytes.isEmpty else { return }
        while true {
            let (isQueued, mustFlush) = try buffers.offer(bytes)
            if mustFlush {
                connection.onLoop { [id] in $0.flushStream(id) }
            }
            if isQueued { return }
            guard !Task.isCancelled else { throw .cancelled }
            await buffers.waitForRoom()
        }
    }

    /// Sends a message behind its length as an unsigned varint.
    public func writeLengthPrefixed(_ bytes: [UInt8]) async throws(TransportError) {
        try await write(UVarint.encode(UInt64(bytes.count)) + bytes)
    }

    /// Closes the own side after everything written.
    public func closeWrite() async {
        if buffers.closeWriting() {
            connection.onLoop { [id] in $0.flushStream(id) }
        }
    }

    /// Ends both directions at once; bytes on their way may be lost.
    public func reset() {
        fail(.streamReset)
    }

    /// Ends both directions; the reason is what this side's readers and writers see.
    func fail(_ error: TransportError) {
        buffers.fail(error, dropsReceived: true)
        connection.onLoop { [id] in $0.resetStream(id) }
    }
}
