internal import Cryptography

/// What providers say.
extension ObjectFetchInstance {
    mutating func receive(_ frame: TransferFrame, _ place: Int, now: Duration) -> [Directive] {
        guard lanes[place].isOpen else { return fault(.unexpectedFrame, place, now: now) }
        switch frame {
        case .request, .chunk: return fault(.unexpectedFrame, place, now: now)
        case .manifest(let bytes): return receiveManifest(bytes, place, now: now)
        case .have(let presence): return receiveHave(presence, place, now: now)
        case .busy(let retryMilliseconds, let requestID):
            let lane = lanes[place]
            guard
                requestID == lane.manifestRequestID
                    || lane.outstanding.contains(where: { $0.id == requestID })
            else { return fault(.unexpectedFrame, place, now: now) }
            return finish(.busy(retryMilliseconds: retryMilliseconds), place, now: now)
        case .gone: return finish(.gone, place, now: now)
        case .miss(let indices):
            for index in indices {
                guard lanes[place].settle(index) else {
                    return fault(.unaskedChunk(index), place, now: now)
                }
                release(index)
                lanes[place].missed.insert(index)
            }
            return assign(now: now)
        }
    }

    private mutating func receiveManifest(
        _ bytes: [UInt8], _ place: Int, now: Duration
    ) -> [Directive] {
        guard lanes[place].manifestRequestID != nil else {
            return fault(.unexpectedFrame, place, now: now)
        }
        guard Hashing.blake2b256(bytes) == objectID else {
            return fault(.wrongManifest, place, now: now)
        }
        lanes[place].manifestRequestID = nil
        lanes[place].lastMoveAt = now
        var directives: [Directive] = []
        if manifest == nil {
            do {
                let received = try ObjectManifest(bytes: bytes, byteCountMax: byteCountMax)
                manifest = received
                presence = ChunkPresence(count: received.chunkCount)
                directives.append(.acceptManifest(received))
            } catch {
                refusal = error
                return finishAll(.objectRefused(error))
            }
        }
        // Bitmaps that came before the manifest could not be measured.
        for lane in lanes {
            guard let held = lane.presence, held.count != presence?.count,
                let place = self.place(of: lane.provider)
            else { continue }
            directives += fault(.wrongBitmap, place, now: now)
        }
        return directives + assign(now: now)
    }

    private mutating func receiveHave(
        _ held: ChunkPresence, _ place: Int, now: Duration
    ) -> [Directive] {
        lanes[place].idleHaveCount += 1
        guard lanes[place].idleHaveCount <= Self.idleHaveCountMax else {
            return fault(.tooManyHaves, place, now: now)
        }
        if let manifest, manifest.chunkCount != held.count {
            return fault(.wrongBitmap, place, now: now)
        }
        lanes[place].presence = held
        lanes[place].missed.removeAll()
        return assign(now: now)
    }

    mutating func receiveChunk(
        _ chunk: HashedChunk, _ place: Int, now: Duration
    ) -> [Directive] {
        guard let manifest, lanes[place].settle(chunk.index) else {
            return fault(.unaskedChunk(chunk.index), place, now: now)
        }
        release(chunk.index)
        guard manifest.isChunk(chunk) else {
            return fault(.wrongChunk(chunk.index), place, now: now)
        }
        lanes[place].noteChunk(now: now)
        // Another provider was quicker.
        guard presence?.contains(chunk.index) == false else { return assign(now: now) }
        presence?.insert(chunk.index)
        // Whoever else was asked for it is waited for no longer.
        claims[chunk.index] = nil
        let accepted = Directive.acceptChunk(
            index: chunk.index, bytes: chunk.bytes, from: lanes[place].provider)
        return [accepted] + (isComplete ? finishAll(.complete) : assign(now: now))
    }
}
