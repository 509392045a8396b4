extension GossipsubInstance {
    /// What happens once a heartbeat, in this order: scores, meshes, announcements, caches.
    mutating func heartbeat(using generator: inout some RandomNumberGenerator) {
        heartbeatCount += 1
        scores.decay(now: now)
        for (peer, count) in promises.takeBroken(now: now).sorted(by: { $0.key < $1.key }) {
            scores.penalize(peer, count: count)
            emit(.note(peer, .promisesBroken(count: count)))
        }
        for peer in peers.keys.sorted() {
            peers[peer]?.announcementCount = 0
            peers[peer]?.askedIDCount = 0
            peers[peer]?.answeredIDCount = 0
            noteGraylisting(of: peer)
        }
        // With the slack of a heartbeat, so that the other side has seen the end too.
        backoffs.expire(now: now, slack: parameters.heartbeatInterval)
        for topic in topics {
            maintain(topic, using: &generator)
            announce(topic, besides: meshes[topic] ?? [], using: &generator)
        }
        for topic in fanouts.keys.sorted() { maintainFanout(topic, using: &generator) }
        history.shift()
        seen.expire(now: now)
    }

    private mutating func noteGraylisting(of peer: PeerID) {
        let score = scores.score(of: peer)
        let isBelow = score < scores.parameters.graylistThreshold
        guard peers[peer]?.isGraylisted != isBelow else { return }
        peers[peer]?.isGraylisted = isBelow
        emit(.note(peer, isBelow ? .graylisted(score: score) : .heardAgain))
    }

    /// Brings the mesh of a topic into its bounds.
    private mutating func maintain(
        _ topic: String, using generator: inout some RandomNumberGenerator
    ) {
        for peer in meshPeers(of: topic) where scores.score(of: peer) < 0 {
            prune(peer, topic, exchanges: false, using: &generator)
        }
        let mesh = meshPeers(of: topic)
        if mesh.count < parameters.meshCountMin {
            let candidates = graftCandidates(topic).shuffled(using: &generator)
            for peer in candidates.prefix(parameters.meshCount - mesh.count) {
                graft(peer, topic)
            }
        } else if mesh.count > parameters.meshCountMax {
            let kept = Set(keptPeers(of: mesh, using: &generator))
            for peer in mesh where !kept.contains(peer) {
                prune(peer, topic, exchanges: parameters.exchangesPeers, using: &generator)
            }
        }
        fillOutbound(topic, using: &generator)
        if heartbeatCount.isMultiple(of: parameters.opportunisticGraftTickCount) {
            graftOpportunistically(topic, using: &generator)
        }
    }

    /// Which of too many mesh peers stay: the best, then random ones, among all of them enough that
    /// this node has dialled.
    private func keptPeers(
        of mesh: [PeerID], using generator: inout some RandomNumberGenerator
    ) -> [PeerID] {
        let ranked = mesh.shuffled(using: &generator)
            .map { (peer: $0, score: scores.score(of: $0)) }
            .sorted { $0.score > $1.score }
            .map(\.peer)
        let best = ranked.prefix(parameters.bestKeptCount)
        var kept = Array(best) + ranked.dropFirst(best.count).shuffled(using: &generator)
        let rest = kept.dropFirst(parameters.meshCount).filter(isOutbound)
        kept = Array(kept.prefix(parameters.meshCount))
        var missingCount = parameters.outboundCountMin - kept.count(where: isOutbound)
        for peer in rest where missingCount > 0 {
            // The last of the random ones that dialled in makes room.
            guard let index = kept.lastIndex(where: { !isOutbound($0) }) else { break }
            kept[index] = peer
            missingCount -= 1
        }
        return kept
    }

    private func isOutbound(_ peer: PeerID) -> Bool { peers[peer]?.info.isOutbound ?? false }

    private mutating func fillOutbound(
        _ topic: String, using generator: inout some RandomNumberGenerator
    ) {
        let mesh = meshes[topic] ?? []
        guard mesh.count >= parameters.meshCountMin else { return }
        let missingCount = parameters.outboundCountMin - mesh.count(where: isOutbound)
        guard missingCount > 0 else { return }
        let candidates = graftCandidates(topic, where: isOutbound).shuffled(using: &generator)
        for peer in candidates.prefix(missingCount) { graft(peer, topic) }
    }

    /// Takes better peers into a mesh whose median peer is not good, so that no group of mediocre
    /// peers can keep the others out.
    private mutating func graftOpportunistically(
        _ topic: String, using generator: inout some RandomNumberGenerator
    ) {
        let mesh = meshes[topic] ?? []
        guard mesh.count > 1 else { return }
        let sorted = mesh.map { scores.score(of: $0) }.sorted()
        let median = sorted[sorted.count / 2]
        guard median < scores.parameters.opportunisticGraftThreshold else { return }
        let candidates = graftCandidates(topic) { scores.score(of: $0) > median }
        for peer in candidates.shuffled(using: &generator)
            .prefix(parameters.opportunisticGraftCount)
        {
            graft(peer, topic)
        }
    }

    private mutating func maintainFanout(
        _ topic: String, using generator: inout some RandomNumberGenerator
    ) {
        guard var fanout = fanouts[topic],
            now - fanout.lastPublished < parameters.fanoutLifetime
        else {
            fanouts[topic] = nil
            return
        }
        let threshold = scores.parameters.publishThreshold
        fanout.peers = fanout.peers.filter { peer in
            (members[topic]?.contains(peer) ?? false) && scores.score(of: peer) >= threshold
        }
        fill(&fanout, topic, using: &generator)
        fanouts[topic] = fanout
        announce(topic, besides: fanout.peers, using: &generator)
    }
}
