/// Who is asked for what.
extension ObjectFetchInstance {
    /// Asks every provider that has room, and ends those that hold nothing of what is missing.
    mutating func assign(now: Duration) -> [Directive] {
        guard let presence, !presence.isComplete else { return [] }
        var directives: [Directive] = []
        for provider in lanes.map(\.provider) {
            guard let place = place(of: provider) else { continue }
            guard lanes[place].isOpen, lanes[place].manifestRequestID == nil else { continue }
            let window = lanes[place].window
            guard lanes[place].outstanding.count <= window / 2 else { continue }
            // Near the end no provider takes what another could bring at the same time.
            let share = max(2, freeCount / max(1, lanes.count(where: \.isOpen)))
            let room = window - lanes[place].outstanding.count
            var wanted = freeIndices(for: place, upTo: min(room, share))
            if wanted.isEmpty, lanes[place].outstanding.isEmpty {
                wanted = lateIndices(for: place, upTo: window, now: now)
            }
            if !wanted.isEmpty {
                directives.append(ask(place, for: wanted, now: now))
            } else if lanes[place].outstanding.isEmpty, !holdsMissing(place) {
                let missingCount = presence.count - presence.presentCount
                drop(place)
                directives.append(.end(.exhausted(missingCount: missingCount), of: provider))
            }
        }
        return directives
    }

    /// Chunks that nobody has been asked for and this provider may hold: the rarest first.
    private func freeIndices(for place: Int, upTo count: Int) -> [Int] {
        guard let presence, freeCount > 0 else { return [] }
        let lane = lanes[place]
        let isRarityEqual = lanes.allSatisfy { $0.presence == nil && $0.missed.isEmpty }
        var indices: [Int] = []
        for index in 0..<presence.count
        where !presence.contains(index) && claims[index] == nil && lane.mayHold(index) {
            indices.append(index)
            if isRarityEqual, indices.count == count { break }
        }
        guard !isRarityEqual else { return indices }
        let ranked = indices.map { index in
            (holders: lanes.count { $0.isOpen && $0.mayHold(index) }, index: index)
        }
        return ranked.sorted { $0 < $1 }.prefix(count).map(\.index)
    }

    /// Chunks that slower providers owe and this one would bring in less than half the time.
    private func lateIndices(for place: Int, upTo count: Int, now: Duration) -> [Int] {
        guard let presence, freeCount == 0 || !holdsFree(place) else { return [] }
        let interval = lanes[place].interval ?? Self.intervalAssumed
        var candidates: [(wait: Duration, index: Int)] = []
        for (other, lane) in lanes.enumerated() where other != place {
            for (queued, request) in lane.outstanding.enumerated()
            where claims[request.index] == 1 && !presence.contains(request.index)
                && lanes[place].mayHold(request.index)
            {
                candidates.append((lane.expectedWait(place: queued, now: now), request.index))
            }
        }
        candidates.sort { $0 > $1 }
        var indices: [Int] = []
        for candidate in candidates.prefix(count) {
            let own = interval * (indices.count + 1)
            guard candidate.wait > max(own * 2, Self.duplicateWaitMin) else { break }
            indices.append(candidate.index)
        }
        return indices.sorted()
    }

    private func holdsFree(_ place: Int) -> Bool {
        !freeIndices(for: place, upTo: 1).isEmpty
    }

    private func holdsMissing(_ place: Int) -> Bool {
        guard let presence else { return true }
        let lane = lanes[place]
        return (0..<presence.count).contains { !presence.contains($0) && lane.mayHold($0) }
    }

    private mutating func ask(_ place: Int, for indices: [Int], now: Duration) -> Directive {
        let id = lanes[place].takeRequestID()
        if lanes[place].outstanding.isEmpty { lanes[place].lastMoveAt = now }
        for index in indices {
            claims[index, default: 0] += 1
            lanes[place].outstanding.append(ProviderLane.Request(index: index, id: id))
        }
        var ranges: [Range<Int>] = []
        for index in indices {
            if let last = ranges.last, last.upperBound == index {
                ranges[ranges.count - 1] = last.lowerBound..<index + 1
            } else {
                ranges.append(index..<index + 1)
            }
        }
        let request = ObjectRequest(
            objectID: objectID, wantsManifest: false, ranges: ranges, id: id)
        return .send(.request(request), to: lanes[place].provider)
    }
}
