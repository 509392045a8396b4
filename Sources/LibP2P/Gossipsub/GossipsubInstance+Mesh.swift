extension GossipsubInstance {
    /// Peers that may be put into the mesh of a topic, in ascending order.
    func graftCandidates(
        _ topic: String, where isWanted: (PeerID) -> Bool = { _ in true }
    ) -> [PeerID] {
        let mesh = meshes[topic] ?? []
        return subscribers(of: topic) { peer in
            !mesh.contains(peer) && !isExplicit(peer) && !backoffs.contains(topic, peer)
                && scores.score(of: peer) >= 0 && isWanted(peer)
        }
    }

    /// Puts a peer into the mesh and tells it so.
    mutating func graft(_ peer: PeerID, _ topic: String) {
        enterMesh(peer, topic)
        queueControl(peer) { $0.graft.append(topic) }
    }

    mutating func enterMesh(_ peer: PeerID, _ topic: String) {
        let isFirst = !isInMesh(peer)
        meshes[topic]?.insert(peer)
        scores.graft(peer, topic: topic, now: now)
        if isFirst { emit(.protect(peer)) }
    }

    mutating func leaveMesh(_ peer: PeerID, _ topic: String) {
        guard meshes[topic]?.remove(peer) != nil else { return }
        scores.prune(peer, topic: topic)
        if !isInMesh(peer) { emit(.release(peer)) }
    }

    private func isInMesh(_ peer: PeerID) -> Bool {
        meshes.values.contains { $0.contains(peer) }
    }

    /// Takes a peer out of the mesh and tells it so.
    mutating func prune(
        _ peer: PeerID, _ topic: String, exchanges: Bool,
        using generator: inout some RandomNumberGenerator
    ) {
        leaveMesh(peer, topic)
        sendPrune(
            peer, topic, backoff: parameters.pruneBackoff, exchanges: exchanges,
            using: &generator)
    }

    /// Tells a peer that it is not in the mesh, and begins the back-off.
    mutating func sendPrune(
        _ peer: PeerID, _ topic: String, backoff: Duration, exchanges: Bool,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let state = peers[peer] else { return }
        backoffs.add(topic, peer, until: now + backoff)
        peers[peer]?.prunedTopics.insert(topic)
        var prune = GossipRPC.Prune(topic: topic)
        if state.info.version != .v10 {
            prune.backoffSeconds = UInt64(clamping: backoff.components.seconds)
            if exchanges {
                prune.peers = exchangedPeers(topic, besides: peer, using: &generator)
            }
        }
        queueControl(peer) { $0.prune.append(prune) }
    }

    /// Random peers of a topic that have signed their addresses; as many as fit a control frame.
    private func exchangedPeers(
        _ topic: String, besides pruned: PeerID, using generator: inout some RandomNumberGenerator
    ) -> [GossipRPC.PeerInfo] {
        let candidates = subscribers(of: topic) { peer in
            peer != pruned && peers[peer]?.record != nil && scores.score(of: peer) >= 0
        }
        var byteCount = GossipRPC.ownControlByteCountMax * 3 / 4
        var told: [GossipRPC.PeerInfo] = []
        for peer in candidates.shuffled(using: &generator) {
            guard told.count < parameters.exchangedPeerCountMax,
                let envelope = peers[peer]?.record?.envelope
            else { continue }
            byteCount -= envelope.count + peer.bytes.count + 10
            guard byteCount >= 0 else { break }
            told.append(.init(peerID: peer.bytes, signedPeerRecord: envelope))
        }
        return told
    }

    // MARK: What peers say about their meshes

    mutating func receiveGraft(
        _ topic: String, from peer: PeerID, using generator: inout some RandomNumberGenerator
    ) {
        // A GRAFT for a topic that the node does not want may be an attempt to learn its topics.
        guard let mesh = meshes[topic], !mesh.contains(peer), let state = peers[peer] else {
            return
        }
        var exchanges = parameters.exchangesPeers
        if isExplicit(peer) || !state.topics.contains(topic) {
            exchanges = false
        } else if let end = backoffs.end(of: topic, peer, now: now) {
            exchanges = false
            // Version 1.0 was not told of a back-off, nor was a peer that has been started anew.
            if state.info.version != .v10, state.prunedTopics.contains(topic) {
                emit(.note(peer, .graftDuringBackoff(topic: topic)))
                let begin = end - parameters.pruneBackoff
                let isFlood = now < begin + parameters.graftFloodThreshold
                scores.penalize(peer, count: isFlood ? 2 : 1)
            }
        } else if scores.score(of: peer) < 0 {
            exchanges = false
        } else if mesh.count < parameters.meshCountMax || state.info.isOutbound {
            enterMesh(peer, topic)
            return
        }
        sendPrune(
            peer, topic, backoff: parameters.pruneBackoff, exchanges: exchanges,
            using: &generator)
    }

    mutating func receivePrune(
        _ prune: GossipRPC.Prune, from peer: PeerID,
        using generator: inout some RandomNumberGenerator
    ) {
        guard meshes[prune.topic] != nil else { return }
        leaveMesh(peer, prune.topic)
        var backoff = parameters.pruneBackoff
        if let seconds = prune.backoffSeconds, seconds > 0 {
            backoff = min(.seconds(Int64(clamping: seconds)), parameters.backoffMax)
        }
        backoffs.add(prune.topic, peer, until: now + backoff)
        peers[peer]?.prunedTopics.insert(prune.topic)
        guard !prune.peers.isEmpty else { return }
        guard scores.score(of: peer) >= scores.parameters.exchangeThreshold else {
            emit(.note(peer, .exchangeRefused))
            return
        }
        let told = prune.peers.shuffled(using: &generator)
            .prefix(parameters.exchangedPeerCountMax)
        let records = told.compactMap { info -> SignedPeerRecord? in
            guard let id = PeerID(bytes: info.peerID), id != peerID, peers[id] == nil,
                let envelope = info.signedPeerRecord
            else { return nil }
            guard let record = try? SignedPeerRecord(envelope: envelope), record.peerID == id
            else {
                emit(.note(peer, .recordRefused))
                scores.penalize(peer, count: 1)
                return nil
            }
            return record
        }
        if !records.isEmpty { emit(.dial(records)) }
    }
}
