extension GossipsubInstance {
    mutating func receiveIHave(
        _ announcements: [GossipRPC.IHave], from peer: PeerID,
        using generator: inout some RandomNumberGenerator
    ) {
        guard !announcements.isEmpty, var state = peers[peer] else { return }
        state.announcementCount += 1
        defer { peers[peer] = state }
        guard scores.score(of: peer) >= scores.parameters.gossipThreshold,
            state.announcementCount <= parameters.announcementCountMax,
            state.askedIDCount < parameters.announcedIDCountMax
        else {
            // One line a heartbeat is enough.
            if state.announcementCount == parameters.announcementCountMax + 1 {
                emit(.note(peer, .announcementsIgnored))
            }
            return
        }
        var wanted: Set<GossipMessageID> = []
        for announcement in announcements where meshes[announcement.topic] != nil {
            for id in announcement.messageIDs.prefix(parameters.announcedIDCountMax)
            where seen[id] == nil && id.isOfReasonableLength {
                wanted.insert(id)
            }
        }
        let asked = wanted.sorted().shuffled(using: &generator)
            .prefix(parameters.announcedIDCountMax - state.askedIDCount)
        guard let promised = asked.first else { return }
        state.askedIDCount += asked.count
        promises.add(promised, by: peer, deadline: now + parameters.followUpTime)
        queueControl(peer) { $0.iwant += asked }
    }

    mutating func receiveIWant(_ ids: [GossipMessageID], from peer: PeerID) {
        guard !ids.isEmpty, scores.score(of: peer) >= scores.parameters.gossipThreshold else {
            return
        }
        var rpc = GossipRPC()
        var byteCount = 0
        for id in Set(ids).sorted() {
            guard (peers[peer]?.answeredIDCount ?? 0) < parameters.announcedIDCountMax else {
                break
            }
            guard let (message, count) = history.take(id, for: peer),
                count <= parameters.retransmissionCountMax
            else { continue }
            peers[peer]?.answeredIDCount += 1
            if !rpc.isEmpty, byteCount + message.bytes.count + 8 > GossipRPC.ownByteCountMax {
                emit(.send(peer, rpc, .forwarded))
                rpc = GossipRPC()
                byteCount = 0
            }
            rpc.messages.append(message.bytes)
            byteCount += message.bytes.count + 8
        }
        if !rpc.isEmpty { emit(.send(peer, rpc, .forwarded)) }
    }

    /// Announces the newest messages of a topic to random peers outside a set.
    mutating func announce(
        _ topic: String, besides excluded: Set<PeerID>,
        using generator: inout some RandomNumberGenerator
    ) {
        let ids = history.announcedIDs(of: topic)
        guard !ids.isEmpty else { return }
        let threshold = scores.parameters.gossipThreshold
        let candidates = subscribers(of: topic) { peer in
            !excluded.contains(peer) && !isExplicit(peer) && scores.score(of: peer) >= threshold
        }
        let share = Int(parameters.lazyFactor * Double(candidates.count))
        let count = max(parameters.lazyCount, share)
        for peer in candidates.shuffled(using: &generator).prefix(count) {
            var told = ids
            if told.count > GossipMessageID.announcedCountMax {
                // Different peers hear of different ones.
                told = Array(
                    ids.shuffled(using: &generator).prefix(GossipMessageID.announcedCountMax))
            }
            var rpc = GossipRPC()
            rpc.ihave = [GossipRPC.IHave(topic: topic, messageIDs: told)]
            for part in rpc.controlParts { emit(.send(peer, part, .announcement)) }
        }
    }
}

extension GossipMessageID {
    /// The most that one heartbeat announces of a topic to a peer.
    ///
    /// With the ids of this network they fit five frames of 4 KiB; a peer takes ten frames.
    static let announcedCountMax = 400

    /// Whether the id can be of a message that this node would take: an author's id has at most
    /// 44 bytes, the number 8; other programs write them in text.
    var isOfReasonableLength: Bool { (1...128).contains(bytes.count) }
}
