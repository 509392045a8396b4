/// One ping stream, seen from one side: 32 bytes out, the same 32 bytes back, and so on.
///
/// The caller brings the random bytes and measures the time between them and `pong`.
public struct PingInstance: Sendable {
    /// The protocol.
    public static let protocolID = "/ipfs/ping/1.0.0"
    /// The length of a ping and of its echo.
    public static let payloadByteCount = 32

    /// What the caller has to do, in order.
    public enum Directive: Hashable, Sendable {
        /// Write these bytes.
        case send([UInt8])
        /// The echo of the ping that was out has come.
        case pong
    }

    private enum Role {
        case opener(awaited: [UInt8]?)
        case echo
    }

    private var role: Role
    private var buffer: [UInt8] = []
    private var hasFailed = false

    /// The side that asks.
    public static func opener() -> PingInstance { PingInstance(role: .opener(awaited: nil)) }

    /// The side that echoes.
    public static func listener() -> PingInstance { PingInstance(role: .echo) }

    private init(role: Role) {
        self.role = role
    }

    /// Sends a ping of 32 random bytes; one at a time.
    ///
    /// - Throws: `ended(.ping)` while another is out, to a listener, and after a failure.
    public mutating func ping(payload: [UInt8]) throws(LibP2PError) -> [Directive] {
        precondition(
            payload.count == Self.payloadByteCount, "a ping of \(payload.count) bytes"
        )
        guard !hasFailed, case .opener(awaited: nil) = role else { throw .ended(.ping) }
        role = .opener(awaited: payload)
        return [.send(payload)]
    }

    /// Takes bytes that were read.
    ///
    /// - Throws: `wrongEcho` to an opener, then `ended(.ping)`: reset the stream.
    public mutating func receive(_ bytes: [UInt8]) throws(LibP2PError) -> [Directive] {
        guard !hasFailed else { throw .ended(.ping) }
        buffer += bytes
        let wholeByteCount = buffer.count - buffer.count % Self.payloadByteCount
        switch role {
        case .echo:
            guard wholeByteCount > 0 else { return [] }
            let echo = Array(buffer[..<wholeByteCount])
            buffer.removeFirst(wholeByteCount)
            return [.send(echo)]
        case .opener(let awaited):
            // What has come so far must be the start of the one echo that is awaited.
            guard let awaited, awaited.starts(with: buffer) else {
                hasFailed = true
                buffer = []
                throw .wrongEcho
            }
            guard buffer.count == awaited.count else { return [] }
            buffer = []
            role = .opener(awaited: nil)
            return [.pong]
        }
    }
}
