import Cryptography
import LibP2P
import NodeServices
import Synchronization
import Testing
import Transports

/// Providers by peer, each a function that serves one end of a stream.
final class MemoryNetwork: StreamOpener {
    typealias Handler = @Sendable (MemoryStream) async -> Void

    private struct State {
        var handlers: [PeerID: Handler] = [:]
        var opened: [PeerID] = []
    }

    private let state = Mutex(State())

    /// The peers to which a stream was opened, in order.
    var opened: [PeerID] { state.withLock { $0.opened } }

    func add(_ peer: PeerID, _ handler: @escaping Handler) {
        state.withLock { $0.handlers[peer] = handler }
    }

    func openMessageStream(
        to peer: PeerID, protocol id: String
    ) async throws(TransportError) -> any MessageStream {
        let handler = state.withLock { state in
            state.opened.append(peer)
            return state.handlers[peer]
        }
        guard let handler else { throw .notConnected(peer) }
        let (near, far) = MemoryStream.pair()
        Task { await handler(far) }
        return near
    }

    static func peer(_ number: UInt8) throws -> PeerID {
        let key = try #require(SigningKey(seed: Array(repeating: number, count: 32)))
        return PeerID(publicKey: key.publicKey)
    }
}

/// Passes frames on between a fetcher and a provider; `bend` changes or drops what the provider
/// says, or ends the stream by returning nil.
struct BentStream: MessageStream {
    let base: any MessageStream
    let bend: @Sendable (TransferFrame) async -> TransferFrame?

    func readLengthPrefixed(maxByteCount: Int) async throws(TransportError) -> [UInt8]? {
        try await base.readLengthPrefixed(maxByteCount: maxByteCount)
    }

    func writeLengthPrefixed(_ bytes: [UInt8]) async throws(TransportError) {
        guard let frame = try? TransferFrame(bytes: bytes), let bent = await bend(frame) else {
            base.reset()
            throw .streamReset
        }
        try await base.writeLengthPrefixed(bent.bytes)
    }

    func closeWrite() async {
        await base.closeWrite()
    }

    func reset() {
        base.reset()
    }
}
