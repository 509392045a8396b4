internal import Cryptography
internal import LibP2P
internal import Synchronization
internal import Transports

/// One attempt to get what is missing of an object from one provider.
struct ProviderExchange: Sendable {
    let provider: PeerID
    let stream: any MessageStream
    let store: any ObjectStore
    let clock: ServiceClock
    let chunkDeadline: Duration
    let onProgress: @Sendable (FetchProgress) -> Void

    /// What the attempt came to.
    struct Result: Sendable {
        var outcome: Swift.Result<FetchAttempt.Outcome, ObjectStoreError>
        var manifest: ObjectManifest?
        var presence: ChunkPresence?
        var receivedByteCount = 0
    }

    /// Runs the stream to its end; cancelling the task resets it.
    ///
    /// Chunks are hashed on the cooperative pool, not on the event loop that decrypts them: 0.4 ms
    /// for each, with an await after it.
    @concurrent
    func run(from instance: ObjectFetchInstance) async -> Result {
        let watch = StallWatch(limit: chunkDeadline, clock: clock)
        let stream = self.stream
        var (result, hasStalled) = await withTaskCancellationHandler {
            await watch.run(onStall: { stream.reset() }) {
                await exchange(instance, watch: watch)
            }
        } onCancel: {
            stream.reset()
        }
        if hasStalled, case .success(.broken) = result.outcome {
            result.outcome = .success(.stalled(after: chunkDeadline))
        }
        return result
    }

    private func exchange(
        _ start: ObjectFetchInstance, watch: StallWatch
    ) async -> Result {
        var instance = start
        var result = Result(outcome: .success(.broken(nil)))
        var held = heldByteCount(of: start)
        do {
            var directives = instance.handle(.opened)
            while true {
                try await perform(
                    directives, of: instance, held: &held, into: &result, watch: watch)
                if let end = instance.end {
                    await finish(end)
                    result.outcome = .success(.ended(end))
                    break
                }
                guard let bytes = try await read() else {
                    stream.reset()
                    break
                }
                directives = instance.handle(.received(try frame(bytes)))
            }
        } catch let error as ObjectStoreError {
            stream.reset()
            result.outcome = .failure(error)
        } catch let error as ProviderFault {
            stream.reset()
            result.outcome = .success(.ended(.providerFault(error)))
        } catch {
            stream.reset()
            result.outcome = .success(.broken(error as? TransportError))
        }
        result.manifest = instance.manifest
        result.presence = instance.presence
        return result
    }

    private func perform(
        _ directives: [ObjectFetchInstance.Directive], of instance: ObjectFetchInstance,
        held: inout Int, into result: inout Result, watch: StallWatch
    ) async throws {
        for directive in directives {
            switch directive {
            case .send(let frame): try await stream.writeLengthPrefixed(frame.bytes)
            case .acceptManifest(let manifest):
                watch.renew()
                try await store.putManifest(manifest)
            case .acceptChunk(let index, let bytes):
                watch.renew()
                try await store.putChunk(instance.objectID, index: index, bytes: bytes)
                result.receivedByteCount += bytes.count
                held += bytes.count
                onProgress(
                    FetchProgress(
                        objectID: instance.objectID, provider: provider, heldByteCount: held,
                        totalByteCount: instance.manifest?.totalByteCount ?? held))
            case .end: break
            }
        }
    }

    private func read() async throws -> [UInt8]? {
        do {
            return try await stream.readLengthPrefixed(
                maxByteCount: TransferProtocol.frameByteCountMax)
        } catch TransportError.messageTooLarge(let byteCount, _) {
            throw ProviderFault.malformedFrame(.tooLong(byteCount: Int(clamping: byteCount)))
        } catch TransportError.malformedLength {
            throw ProviderFault.malformedFrame(.malformed)
        }
    }

    private func frame(_ bytes: [UInt8]) throws(ProviderFault) -> TransferFrame {
        do {
            return try TransferFrame(bytes: bytes)
        } catch {
            throw .malformedFrame(error)
        }
    }

    private func finish(_ end: FetchEnd) async {
        switch end {
        case .complete, .gone, .exhausted: await stream.closeWrite()
        case .busy, .objectRefused, .providerFault: stream.reset()
        }
    }

    private func heldByteCount(of instance: ObjectFetchInstance) -> Int {
        guard let manifest = instance.manifest, let presence = instance.presence else { return 0 }
        return (0..<manifest.chunkCount).reduce(0) { sum, index in
            guard presence.contains(index) else { return sum }
            return sum + (manifest.byteRange(ofChunk: index)?.count ?? 0)
        }
    }
}
