extension GossipsubInstance {
    mutating func connect(_ peer: PeerID, _ info: GossipPeer) {
        guard peer != peerID else { return }
        let own = topics
        if peers[peer] == nil {
            peers[peer] = PeerState(info: info)
            scores.connect(peer, addressGroup: info.addressGroup)
        }
        // On a new stream of a known peer, what an old one may have lost is said again.
        let shared = own.filter { meshes[$0]?.contains(peer) ?? false }
        queueControl(peer) { rpc in
            rpc.subscriptions = own.map { .init(isSubscribed: true, topic: $0) }
            rpc.graft = shared
        }
    }

    mutating func disconnect(_ peer: PeerID) {
        guard let state = peers.removeValue(forKey: peer) else { return }
        for topic in state.topics { removeMember(peer, of: topic) }
        let wasProtected = meshes.values.contains { $0.contains(peer) }
        for topic in topics { meshes[topic]?.remove(peer) }
        for topic in fanouts.keys { fanouts[topic]?.peers.remove(peer) }
        promises.remove(peer)
        scores.disconnect(peer, now: now)
        if wasProtected { emit(.release(peer)) }
    }

    mutating func receiveSubscriptions(_ subscriptions: [GossipRPC.Subscription], from peer: PeerID)
    {
        for subscription in subscriptions {
            let topic = subscription.topic
            guard subscription.isSubscribed else {
                guard peers[peer]?.topics.remove(topic) != nil else { continue }
                removeMember(peer, of: topic)
                if meshes[topic]?.contains(peer) ?? false { leaveMesh(peer, topic) }
                fanouts[topic]?.peers.remove(peer)
                continue
            }
            guard let state = peers[peer], !state.topics.contains(topic) else { continue }
            guard state.topics.count < parameters.topicCountMaxPerPeer,
                (1...parameters.topicByteCountMax).contains(topic.utf8.count)
            else {
                emit(.note(peer, .topicsIgnored))
                return
            }
            peers[peer]?.topics.insert(topic)
            members[topic, default: []].insert(peer)
        }
    }

    private mutating func removeMember(_ peer: PeerID, of topic: String) {
        members[topic]?.remove(peer)
        if members[topic]?.isEmpty ?? false { members[topic] = nil }
    }

    // MARK: The node's own topics

    mutating func subscribe(_ topic: String, using generator: inout some RandomNumberGenerator) {
        precondition(
            (1...parameters.topicByteCountMax).contains(topic.utf8.count),
            "a topic of \(topic.utf8.count) bytes")
        guard meshes[topic] == nil else { return }
        meshes[topic] = []
        for peer in peers.keys.sorted() {
            queueControl(peer) { $0.subscriptions.append(.init(isSubscribed: true, topic: topic)) }
        }
        // Peers that it has published to come first.
        let known = fanouts.removeValue(forKey: topic)?.peers ?? []
        let candidates = graftCandidates(topic)
        let preferred = candidates.filter(known.contains).shuffled(using: &generator)
        let others = candidates.filter { !known.contains($0) }.shuffled(using: &generator)
        for peer in (preferred + others).prefix(parameters.meshCount) { graft(peer, topic) }
    }

    mutating func unsubscribe(_ topic: String, using generator: inout some RandomNumberGenerator) {
        guard let mesh = meshes[topic] else { return }
        for peer in peers.keys.sorted() {
            queueControl(peer) { $0.subscriptions.append(.init(isSubscribed: false, topic: topic)) }
        }
        for peer in mesh.sorted() {
            leaveMesh(peer, topic)
            sendPrune(
                peer, topic, backoff: parameters.unsubscribeBackoff,
                exchanges: parameters.exchangesPeers, using: &generator)
        }
        meshes[topic] = nil
        for (id, entry) in pending where entry.message.topic == topic {
            pending[id] = nil
            seen.settle(id, .ignored)
        }
    }
}
