internal import Cryptography
internal import LibP2P
internal import Transports

/// One attempt to get a share of what is missing of an object from one provider.
struct ProviderExchange: Sendable {
    let provider: PeerID
    let stream: any MessageStream
    let download: ObjectDownload
    let outgoing: AsyncStream<ObjectDownload.Outgoing>
    let objectID: Digest
    let store: any ObjectStore
    let clock: ServiceClock
    let deadlines: ChunkDeadline
    let onProgress: @Sendable (FetchProgress) async -> Void

    /// What the attempt came to.
    struct Result: Sendable {
        var outcome: Swift.Result<FetchAttempt.Outcome, ObjectStoreError>
        var receivedByteCount = 0
    }

    /// Runs the stream to its end; cancelling the task resets it.
    ///
    /// Chunks are hashed on the cooperative pool, not on the event loop that decrypts them: 0.4 ms
    /// for each, with an await after it.
    @concurrent
    func run() async -> Result {
        let watch = StallWatch(limit: deadlines.deadline(bytesPerSecond: nil), clock: clock)
        let stream = self.stream
        await download.opened(provider)
        let result = await withTaskCancellationHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await send(watch: watch) }
                let (result, hasStalled) = await watch.run(onStall: { stream.reset() }) {
                    await receive(watch: watch)
                }
                let owes = await download.owes(provider)
                await download.closed(provider)
                guard hasStalled, case .success(.broken) = result.outcome else { return result }
                var stalled = result
                // Who was asked for nothing has not stood still.
                stalled.outcome = .success(
                    owes ? .stalled(after: watch.limit) : .ended(.exhausted(missingCount: 0)))
                return stalled
            }
        } onCancel: {
            stream.reset()
        }
        return result
    }

    /// Writes what the download has for this provider until the outbox ends.
    private func send(watch: StallWatch) async {
        for await item in outgoing {
            switch item {
            case .frame(let frame):
                watch.renew()
                do {
                    try await stream.writeLengthPrefixed(frame.bytes)
                } catch {
                    // The reader sees the broken stream too and says so.
                    stream.reset()
                }
            case .reset: stream.reset()
            }
        }
    }

    private func receive(watch: StallWatch) async -> Result {
        var result = Result(outcome: .success(.broken(nil)))
        do {
            while true {
                if let end = await download.end(of: provider) {
                    await finish(end)
                    result.outcome = .success(.ended(end))
                    return result
                }
                guard let bytes = try await read() else {
                    stream.reset()
                    return result
                }
                try await take(try frame(bytes), into: &result, watch: watch)
            }
        } catch let error as ObjectStoreError {
            stream.reset()
            result.outcome = .failure(error)
        } catch let error as ProviderFault {
            stream.reset()
            result.outcome = .success(.ended(.providerFault(error)))
        } catch {
            stream.reset()
            // A stream that was reset because the object is complete has not failed.
            let end = await download.end(of: provider)
            result.outcome = .success(
                end.map { .ended($0) } ?? .broken(error as? TransportError))
        }
        return result
    }

    private func take(
        _ frame: TransferFrame, into result: inout Result, watch: StallWatch
    ) async throws {
        let accepted: [ObjectDownload.Acceptance]
        if case .chunk(let index, let bytes) = frame {
            let chunk = HashedChunk(index: index, bytes: bytes)
            accepted = await download.received(chunk, from: provider)
        } else {
            accepted = await download.received(frame, from: provider)
        }
        for item in accepted {
            switch item {
            case .manifest(let manifest):
                watch.renew()
                try await store.putManifest(manifest)
            case .chunk(let index, let bytes):
                let rate = await download.bytesPerSecond(from: provider)
                watch.renew(limit: deadlines.deadline(bytesPerSecond: rate))
                try await store.putChunk(objectID, index: index, bytes: bytes)
                result.receivedByteCount += bytes.count
                let held = await download.noteStored(bytes.count)
                let total = await download.manifest?.totalByteCount
                await onProgress(
                    FetchProgress(
                        objectID: objectID, provider: provider, heldByteCount: held,
                        totalByteCount: total ?? held))
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
}
