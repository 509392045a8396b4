internal import Cryptography
internal import LibP2P
internal import Transports

/// One served stream, from the first request to its end.
struct UploadSession: Sendable {
    /// Why a stream was served no further.
    enum Outcome: Sendable {
        case closed
        case broken(any Error)
        case fault(ServeFault)
        case storeFailed(ObjectStoreError)
    }

    /// What is left after the end.
    struct End: Sendable {
        var outcome = Outcome.closed
        var objectID: Digest?
        var chunkCount = 0
        var hasSlot = false
        var busyCount = 0
    }

    let stream: any MessageStream
    let peer: PeerID
    let server: ObjectServer
    let store: any ObjectStore
    let settings: TransferSettings
    let mayServe: ObjectServer.AccessRule

    @concurrent
    func run(watch: StallWatch) async -> End {
        var end = End()
        var instance = ObjectServeInstance()
        do {
            while !instance.hasEnded, let frame = try await read() {
                watch.renew()
                try await perform(
                    instance.handle(.received(frame)), of: &instance, end: &end, watch: watch)
            }
            await stream.closeWrite()
        } catch {
            stream.reset()
            switch error {
            case let fault as ServeFault: end.outcome = .fault(fault)
            case let failure as ObjectStoreError: end.outcome = .storeFailed(failure)
            default: end.outcome = .broken(error)
            }
        }
        end.objectID = instance.objectID
        return end
    }

    private func read() async throws -> TransferFrame? {
        do {
            let bytes = try await stream.readLengthPrefixed(
                maxByteCount: TransferProtocol.frameByteCountMax)
            return try bytes.map { try TransferFrame(bytes: $0) }
        } catch let error as TransferFrameError {
            throw ServeFault.malformedFrame(error)
        } catch TransportError.messageTooLarge(let byteCount, _) {
            throw ServeFault.malformedFrame(.tooLong(byteCount: Int(clamping: byteCount)))
        } catch TransportError.malformedLength {
            throw ServeFault.malformedFrame(.malformed)
        }
    }

    /// Performs directives in order; what the store answers is performed before the next one.
    private func perform(
        _ directives: [ObjectServeInstance.Directive], of instance: inout ObjectServeInstance,
        end: inout End, watch: StallWatch
    ) async throws {
        for directive in directives {
            switch directive {
            case .send(let frame):
                try await stream.writeLengthPrefixed(frame.bytes)
                watch.renew()
            case .lookUp(let id):
                let answer = instance.handle(try await lookUp(id, end: &end))
                try await perform(answer, of: &instance, end: &end, watch: watch)
            case .loadChunk(let index):
                guard let id = instance.objectID else { continue }
                let bytes = try await store.chunk(id, index: index)
                end.chunkCount += bytes == nil ? 0 : 1
                let answer = instance.handle(.loaded(index: index, bytes: bytes))
                try await perform(answer, of: &instance, end: &end, watch: watch)
            case .close: return
            case .reset(let fault): throw fault
            }
        }
    }

    private func lookUp(
        _ id: Digest, end: inout End
    ) async throws -> ObjectServeInstance.Event {
        guard await mayServe(peer, id), let manifest = try await store.manifest(id),
            let presence = try await store.presence(id)
        else { return .notFound }
        if !end.hasSlot {
            guard await server.takeSlot(for: peer) else {
                end.busyCount += 1
                guard end.busyCount <= settings.busyAnswerCountMax else {
                    throw ServeFault.impatient
                }
                return .busy(retryMilliseconds: settings.busyRetryMilliseconds)
            }
            end.hasSlot = true
        }
        return .found(manifest: manifest, presence: presence)
    }
}
