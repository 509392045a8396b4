extension GossipRPC {
    /// The control and the subscriptions of this frame, in frames that every implementation takes.
    ///
    /// Subscriptions come first, since a GRAFT means nothing without one. Messages are left out.
    var controlParts: [GossipRPC] {
        var parts: [GossipRPC] = []
        var part = GossipRPC()
        var byteCount = 0

        func add(_ count: Int, _ change: (inout GossipRPC) -> Void) {
            if !part.isEmpty, byteCount + count > Self.ownControlByteCountMax {
                parts.append(part)
                part = GossipRPC()
                byteCount = 0
            }
            byteCount += count
            change(&part)
        }
        for subscription in subscriptions {
            add(subscription.topic.utf8.count + 10) { $0.subscriptions.append(subscription) }
        }
        for topic in graft {
            add(topic.utf8.count + 10) { $0.graft.append(topic) }
        }
        for entry in prune {
            add(entry.byteCountBound) { $0.prune.append(entry) }
        }
        for id in iwant {
            add(id.bytes.count + 4) { $0.iwant.append(id) }
        }
        for have in ihave {
            for id in have.messageIDs {
                // The topic is counted with each id, which costs a few bytes of room.
                let isOpen = part.ihave.last?.topic == have.topic
                let topicByteCount = isOpen ? 0 : have.topic.utf8.count + 10
                add(id.bytes.count + 4 + topicByteCount) { part in
                    if part.ihave.last?.topic != have.topic {
                        part.ihave.append(IHave(topic: have.topic, messageIDs: []))
                    }
                    part.ihave[part.ihave.count - 1].messageIDs.append(id)
                }
            }
        }
        if !part.isEmpty { parts.append(part) }
        return parts
    }
}

extension GossipRPC.Prune {
    /// No fewer bytes than the entry takes in a frame.
    var byteCountBound: Int {
        peers.reduce(topic.utf8.count + 24) {
            $0 + $1.peerID.count + ($1.signedPeerRecord?.count ?? 0) + 10
        }
    }
}
