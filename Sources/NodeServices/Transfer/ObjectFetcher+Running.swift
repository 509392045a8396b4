internal import Cryptography
internal import LibP2P
internal import Logging
internal import Transports

/// One fetch, from what the store holds to the whole object.
extension ObjectFetcher {
    /// What the fetch waits for.
    private enum Signal: Sendable {
        /// Another provider may be wanted, or it is time to look.
        case look
        case ended(FetchAttempt)
        case storeFailed(ObjectStoreError)
    }

    /// What has come of a fetch so far.
    private struct Course {
        var rotation: ProviderRotation
        var attempts: [FetchAttempt] = []
        /// In the order in which they were first asked.
        var asked: [PeerID] = []
        var givers: Set<PeerID> = []
        var receivedByteCount = 0
        var activeCount = 0
        /// When streams came to be open, and for how long they were before.
        var activeSince = Duration.zero
        var activeDuration = Duration.zero
        /// The earliest time at which a timer will wake the fetch.
        var timerDue: Duration?

        mutating func begin(_ provider: PeerID, now: Duration) {
            rotation.begin(provider)
            if activeCount == 0 { activeSince = now }
            activeCount += 1
            if !asked.contains(provider) { asked.append(provider) }
        }

        mutating func end(_ attempt: FetchAttempt, now: Duration) {
            activeCount -= 1
            if activeCount == 0 { activeDuration += now - activeSince }
            receivedByteCount += attempt.receivedByteCount
            if attempt.receivedByteCount > 0 { givers.insert(attempt.provider) }
            rotation.record(attempt, now: now)
            attempts.append(attempt)
            attempts.removeFirst(max(0, attempts.count - ObjectFetcher.namedAttemptCountMax))
        }
    }

    func run(_ id: Digest, _ byteCountMax: Int) async throws(TransferError) -> FetchReport {
        let start = try await stored(id, byteCountMax)
        if let manifest = start.manifest, start.isComplete {
            return FetchReport(
                manifest: manifest, receivedByteCount: 0, duration: .zero, providers: [])
        }
        let download = ObjectDownload(start, clock: clock)
        let outcome = await withDiscardingTaskGroup { group in
            let (signals, sink) = AsyncStream.makeStream(of: Signal.self)
            group.addTask {
                for await _ in download.changes { sink.yield(.look) }
            }
            let outcome = await follow(download, id, &group, signals, sink)
            group.cancelAll()
            return outcome
        }
        return try outcome.get()
    }

    private func follow(
        _ download: ObjectDownload, _ id: Digest, _ group: inout DiscardingTaskGroup,
        _ signals: AsyncStream<Signal>, _ sink: AsyncStream<Signal>.Continuation
    ) async -> Result<FetchReport, TransferError> {
        var course = Course(rotation: ProviderRotation(settings: settings))
        var iterator = signals.makeAsyncIterator()
        while true {
            guard !Task.isCancelled else { return .failure(.cancelled(id)) }
            if course.activeCount == 0 {
                if let error = await download.refusal { return .failure(.objectRefused(id, error)) }
                if let report = await report(of: download, course) { return .success(report) }
            }
            let wait = await askMore(download, id, &course, &group, sink)
            if course.activeCount == 0, wait == nil {
                if course.attempts.isEmpty { return .failure(.noProvider(id)) }
                return .failure(.unavailable(id, attempts: course.attempts))
            }
            await armTimer(wait, download, &course, &group, sink)
            switch await iterator.next(isolation: self) {
            case nil: return .failure(.cancelled(id))
            case .look:
                if let due = course.timerDue, due <= clock.now() {
                    course.timerDue = nil
                    await download.noteTime()
                }
            case .ended(let attempt): course.end(attempt, now: clock.now())
            case .storeFailed(let error): return .failure(.storeFailed(error))
            }
        }
    }

    private func report(of download: ObjectDownload, _ course: Course) async -> FetchReport? {
        guard await download.isComplete, let manifest = await download.manifest else { return nil }
        return FetchReport(
            manifest: manifest, receivedByteCount: course.receivedByteCount,
            duration: course.activeDuration,
            providers: course.asked.filter { course.givers.contains($0) })
    }

    /// Asks further providers while they are wanted.
    ///
    /// - Returns: How long until another one may be asked; nil if none can be.
    private func askMore(
        _ download: ObjectDownload, _ id: Digest, _ course: inout Course,
        _ group: inout DiscardingTaskGroup, _ sink: AsyncStream<Signal>.Continuation
    ) async -> Duration? {
        while course.activeCount < settings.parallelProviderCountMax,
            await download.wantsProvider
        {
            course.rotation.add(jobs[id]?.providers ?? [])
            for liar in liars where liar.objectID == id { course.rotation.exclude(liar.peer) }
            switch course.rotation.next(now: clock.now()) {
            case .wait(let duration): return duration
            case .allAsked, .giveUp: return nil
            case .ask(let provider):
                course.begin(provider, now: clock.now())
                let outgoing = await download.ask(provider)
                group.addTask {
                    sink.yield(await self.ask(provider, id, download, outgoing))
                }
            }
        }
        return nil
    }

    private func armTimer(
        _ wait: Duration?, _ download: ObjectDownload, _ course: inout Course,
        _ group: inout DiscardingTaskGroup, _ sink: AsyncStream<Signal>.Continuation
    ) async {
        let waits = [wait, await download.timeToNextCheck].compactMap { $0 }
        guard let wait = waits.min() else { return }
        let due = clock.now() + wait
        // While streams are open, a timer that rings too early costs less than another timer.
        if let earlier = course.timerDue, earlier <= due, course.activeCount > 0 { return }
        course.timerDue = due
        group.addTask { [clock] in
            do {
                try await clock.sleep(wait)
                sink.yield(.look)
            } catch {
                // The fetch has ended.
            }
        }
    }

    private func stored(
        _ id: Digest, _ byteCountMax: Int
    ) async throws(TransferError) -> ObjectFetchInstance {
        let manifest = try await store.storedManifest(id, byteCountMax: byteCountMax)
        var presence: ChunkPresence?
        do {
            if manifest != nil { presence = try await store.presence(id) }
        } catch {
            throw .storeFailed(error)
        }
        if presence?.count != manifest?.chunkCount { presence = nil }
        return ObjectFetchInstance(
            objectID: id, byteCountMax: byteCountMax, manifest: manifest, presence: presence)
    }

    /// Asks one provider until its stream ends.
    private func ask(
        _ provider: PeerID, _ id: Digest, _ download: ObjectDownload,
        _ outgoing: AsyncStream<ObjectDownload.Outgoing>
    ) async -> Signal {
        let start = clock.now()
        let stream: any MessageStream
        do {
            stream = try await streams.openMessageStream(
                to: provider, protocol: TransferProtocol.id)
        } catch {
            log(id, provider, "no stream: \(error)")
            await download.closed(provider)
            return .ended(
                FetchAttempt(
                    provider: provider, outcome: .notOpened(error), receivedByteCount: 0,
                    duration: .zero))
        }
        let exchange = ProviderExchange(
            provider: provider, stream: stream, download: download, outgoing: outgoing,
            objectID: id, store: store, clock: clock, deadlines: ChunkDeadline(settings: settings),
            onProgress: { await self.tell($0) })
        let result = await exchange.run()
        let duration = clock.now() - start
        switch result.outcome {
        case .failure(let error): return .storeFailed(error)
        case .success(let outcome):
            let attempt = FetchAttempt(
                provider: provider, outcome: outcome,
                receivedByteCount: result.receivedByteCount, duration: duration)
            note(id, attempt, bytesPerSecond: await download.bytesPerSecond(from: provider))
            return .ended(attempt)
        }
    }

    private func tell(_ step: FetchProgress) {
        for handler in (jobs[step.objectID]?.progress ?? [:]).values { handler(step) }
    }

    private func note(_ id: Digest, _ attempt: FetchAttempt, bytesPerSecond: Double?) {
        let provider = attempt.provider
        let byteCount = attempt.receivedByteCount
        if byteCount > 0, attempt.duration.seconds > 0 {
            let rate = bytesPerSecond ?? Double(byteCount) / attempt.duration.seconds
            if rates[provider] == nil, rates.count >= Self.rateCountMax {
                rates.keys.min().map { rates[$0] = nil }
            }
            rates[provider] = rates[provider].map { ($0 + rate) / 2 } ?? rate
        }
        switch attempt.outcome {
        case .ended(.complete):
            log(id, provider, "\(byteCount) bytes in \(attempt.duration), complete")
        case .ended(.providerFault(let fault)):
            liars.append(Liar(objectID: id, peer: provider))
            liars.removeFirst(max(0, liars.count - Self.liarCountMax))
            logger.warning(
                "provider broke the transfer's rules and is not asked for this object again",
                metadata: [
                    "object": "\(id)", "peer": "\(provider)", "fault": "\(fault)",
                ])
        default:
            log(
                id, provider, "\(byteCount) bytes in \(attempt.duration), then \(attempt.outcome)")
        }
    }

    private func log(_ id: Digest, _ provider: PeerID, _ what: String) {
        logger.debug(
            "fetch: \(what)", metadata: ["object": "\(id)", "peer": "\(provider)"])
    }
}
