import LibP2P
import NodeServices
import Synchronization
import Transports

/// One end of a stream in memory that carries whole messages.
final class MemoryStream: MessageStream {
    private final class Pipe: Sendable {
        struct State {
            var messages: [[UInt8]] = []
            var isClosed = false
            var isReset = false
            var reader: CheckedContinuation<Void, Never>?
        }

        let state = Mutex(State())

        func change(_ body: (inout State) -> Void) {
            let reader = state.withLock { state in
                body(&state)
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume()
        }
    }

    private let inbound: Pipe
    private let outbound: Pipe

    private init(inbound: Pipe, outbound: Pipe) {
        self.inbound = inbound
        self.outbound = outbound
    }

    /// Both ends of a new stream.
    static func pair() -> (MemoryStream, MemoryStream) {
        let (a, b) = (Pipe(), Pipe())
        return (MemoryStream(inbound: a, outbound: b), MemoryStream(inbound: b, outbound: a))
    }

    func readLengthPrefixed(maxByteCount: Int) async throws(TransportError) -> [UInt8]? {
        while true {
            enum Step { case message([UInt8]), end, reset, wait }
            let step = inbound.state.withLock { state -> Step in
                if !state.messages.isEmpty { return .message(state.messages.removeFirst()) }
                if state.isReset { return .reset }
                return state.isClosed ? .end : .wait
            }
            switch step {
            case .message(let message):
                guard message.count <= maxByteCount else {
                    throw .messageTooLarge(byteCount: UInt64(message.count), limit: maxByteCount)
                }
                return message
            case .end: return nil
            case .reset: throw .streamReset
            case .wait:
                await withCheckedContinuation { continuation in
                    let isReady = inbound.state.withLock { state in
                        let isReady = state.isReset || state.isClosed || !state.messages.isEmpty
                        if !isReady { state.reader = continuation }
                        return isReady
                    }
                    if isReady { continuation.resume() }
                }
            }
        }
    }

    func writeLengthPrefixed(_ bytes: [UInt8]) async throws(TransportError) {
        let isReset = outbound.state.withLock { $0.isReset }
        guard !isReset else { throw .streamReset }
        outbound.change { $0.messages.append(bytes) }
    }

    func closeWrite() async {
        outbound.change { $0.isClosed = true }
    }

    func reset() {
        inbound.change { state in
            state.isReset = true
            state.messages = []
        }
        outbound.change { $0.isReset = true }
    }
}
