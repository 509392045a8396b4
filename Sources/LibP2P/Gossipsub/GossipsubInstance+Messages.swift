extension GossipsubInstance {
    mutating func receive(
        _ bytes: [UInt8], from peer: PeerID, using generator: inout some RandomNumberGenerator
    ) {
        guard peers[peer] != nil else { return }
        let rpc: GossipRPC
        do throws(GossipRPCError) {
            rpc = try GossipRPC(bytes: bytes)
        } catch {
            scores.penalize(peer, count: 1)
            emit(.disconnect(peer, .malformedFrame(error)))
            return
        }
        // Even of a peer that is not listened to: it may be heard again.
        receiveSubscriptions(rpc.subscriptions, from: peer)
        var room = validationRoom(for: peer)
        for message in rpc.messages {
            guard isHeard(peer) else { return }
            receive(message: message, from: peer, &room)
        }
        if room < 0 { emit(.note(peer, .validationOverloaded)) }
        guard isHeard(peer) else { return }
        receiveIHave(rpc.ihave, from: peer, using: &generator)
        receiveIWant(rpc.iwant, from: peer)
        for topic in rpc.graft.prefix(parameters.topicCountMaxPerPeer) {
            receiveGraft(topic, from: peer, using: &generator)
        }
        for prune in rpc.prune.prefix(parameters.topicCountMaxPerPeer) {
            receivePrune(prune, from: peer, using: &generator)
        }
    }

    private func isHeard(_ peer: PeerID) -> Bool {
        isExplicit(peer) || scores.score(of: peer) >= scores.parameters.graylistThreshold
    }

    /// How many messages of a peer can be taken up: the application has them all, or other peers', to
    /// look at first.
    private func validationRoom(for peer: PeerID) -> Int {
        let own = pending.values.count { $0.sender == peer }
        return max(
            0,
            min(
                parameters.pendingCountMax - pending.count,
                parameters.pendingCountMaxPerPeer - own))
    }

    /// Takes a message, or counts `room` below zero for one that there is no room for.
    ///
    /// That one is not looked at further and not remembered either, so that it can come again.
    private mutating func receive(message bytes: [UInt8], from peer: PeerID, _ room: inout Int) {
        do throws(GossipMessageError) {
            let unverified = try UnverifiedGossipMessage(
                bytes, dataByteCountMax: parameters.dataByteCountMax)
            let message = unverified.message
            let id = message.id
            guard meshes[message.topic] != nil else { return }
            if let entry = seen[id] {
                repeated(id, entry, from: peer)
            } else if message.author != peerID {
                guard room > 0 else {
                    room = -1
                    promises.fulfil(id)
                    return
                }
                // The seen messages hold verified ids only, or anybody could keep a message out.
                begin(try unverified.verified(), from: peer)
                room -= 1
            }
        } catch {
            guard let topic = UnverifiedGossipMessage.topic(of: bytes) else {
                scores.penalize(peer, count: 1)
                emit(.note(peer, .messageRefused(error)))
                return
            }
            guard meshes[topic] != nil else { return }
            emit(.note(peer, .messageRefused(error)))
            if error.verdict == .reject { scores.countInvalid(peer, topic: topic) }
        }
    }

    private mutating func begin(_ message: GossipMessage, from peer: PeerID) {
        let id = message.id
        promises.fulfil(id)
        seen.insert(id, topic: message.topic, sender: peer, outcome: .pending, now: now)
        pending[id] = Pending(message: message, sender: peer)
        emit(.validate(message, from: peer))
    }

    private mutating func repeated(
        _ id: GossipMessageID, _ entry: SeenMessages.Entry, from peer: PeerID
    ) {
        guard seen.addSender(peer, of: id) else { return }
        switch entry.outcome {
        case .pending, .ignored: break
        case .accepted(let time):
            scores.countRepetition(peer, topic: entry.topic, delay: now - time)
        case .rejected: scores.countInvalid(peer, topic: entry.topic)
        }
    }

    mutating func settle(_ id: GossipMessageID, _ verdict: GossipVerdict) {
        guard
            let (message, sender) = pending.removeValue(forKey: id).map({
                ($0.message, $0.sender)
            })
        else { return }
        let topic = message.topic
        let senders = (seen[id]?.senders ?? []).union([sender])
        switch verdict {
        case .ignore: seen.settle(id, .ignored)
        case .reject:
            seen.settle(id, .rejected)
            for peer in senders.sorted() {
                scores.countInvalid(peer, topic: topic)
                emit(.note(peer, .messageRejected(id)))
            }
        case .accept:
            seen.settle(id, .accepted(at: now))
            scores.countFirstDelivery(sender, topic: topic)
            for peer in senders where peer != sender {
                scores.countRepetition(peer, topic: topic, delay: .zero)
            }
            history.insert(message)
            emit(.deliver(message, from: sender))
            let explicit = (members[topic] ?? []).filter(isExplicit)
            let targets = (meshes[topic] ?? []).union(explicit).subtracting(senders)
            for peer in targets.sorted() where peer != message.author {
                emit(.send(peer, GossipRPC(message: message), .forwarded))
            }
        }
    }

    // MARK: Own messages

    mutating func publish(
        _ data: [UInt8], topic: String, using generator: inout some RandomNumberGenerator
    ) {
        precondition(
            data.count <= parameters.dataByteCountMax,
            "\(data.count) bytes of at most \(parameters.dataByteCountMax)")
        precondition(
            (1...parameters.topicByteCountMax).contains(topic.utf8.count),
            "a topic of \(topic.utf8.count) bytes")
        let message = sign(data, topic: topic)
        seen.insert(message.id, topic: topic, sender: nil, outcome: .accepted(at: now), now: now)
        history.insert(message)
        emit(.published(message))
        for peer in publishTargets(topic, using: &generator).sorted() {
            emit(.send(peer, GossipRPC(message: message), .own))
        }
    }

    private mutating func publishTargets(
        _ topic: String, using generator: inout some RandomNumberGenerator
    ) -> Set<PeerID> {
        let explicit = (members[topic] ?? []).filter(isExplicit)
        let threshold = scores.parameters.publishThreshold
        if parameters.floodsOwnMessages {
            return explicit.union(
                subscribers(of: topic) { scores.score(of: $0) >= threshold })
        }
        if let mesh = meshes[topic] { return explicit.union(mesh) }
        var fanout = fanouts[topic] ?? Fanout(peers: [], lastPublished: now)
        fanout.lastPublished = now
        fill(&fanout, topic, using: &generator)
        fanouts[topic] = fanout
        return explicit.union(fanout.peers)
    }

    /// Brings a fan-out up to D peers.
    mutating func fill(
        _ fanout: inout Fanout, _ topic: String, using generator: inout some RandomNumberGenerator
    ) {
        let threshold = scores.parameters.publishThreshold
        let present = fanout.peers
        let missingCount = max(0, parameters.meshCount - present.count)
        let candidates = subscribers(of: topic) { peer in
            !present.contains(peer) && !isExplicit(peer) && scores.score(of: peer) >= threshold
        }
        fanout.peers.formUnion(candidates.shuffled(using: &generator).prefix(missingCount))
    }
}

extension GossipRPC {
    /// A frame of one message.
    init(message: GossipMessage) {
        self.init()
        messages = [message.bytes]
    }
}
