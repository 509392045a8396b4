internal import Cryptography

/// M4 and M6: masked shards to their owners, sums from the owners to everyone.
extension SecureGroupRound {
    /// This node among the survivors, where it may sign.
    var survivorIndex: Int? {
        guard let own = signerIndex, let survivors, survivors.members.contains(own) else {
            return nil
        }
        return own
    }

    var currentView: ViewState? { views[view] }
    /// The last view whose owners are known: shards go there while the next one is awaited.
    var latestView: ViewState? {
        currentView ?? views.keys.filter { $0 < view }.max().flatMap { views[$0] }
    }

    mutating func mask() {
        guard let own = survivorIndex, let survivors, let secrets, maskedWords == nil,
            maskCommits[own] == nil, certificate == nil, let contribution
        else { return }
        precondition(contribution.count == policy.format.wordCount, "a vector of other length")
        guard
            let masks = try? VectorMasking.masks(
                of: own, secrets: secrets, survivors: survivors.members,
                keys: group.joins.map(\.maskKey), group: group.id)
        else { return }
        var words = contribution
        self.contribution = nil
        MaskGenerator.apply(masks, to: &words)
        let hashes = (0..<group.shards.shardCount).map {
            Hashing.blake2b256(littleEndianWords: words[group.shards.range(of: $0)])
        }
        let body = SecureMaskCommit(survivorsDigest: survivors.digest, shardHashes: hashes)
        maskedWords = words
        maskCommits[own] = body
        // From here on the update must not be used again, whatever happens.
        emit(.persist(key: SecureRecords.phase(policy.round), value: [1]))
        hasSentMasked = true
        broadcast(.maskCommit, body: body.bytes)
    }

    mutating func receivedMaskCommit(_ frame: SecureFrame) throws(SecureRefusal) {
        let body = try SecureMaskCommit(frame)
        guard let survivors else { throw .tooEarly }
        guard survivors.members.contains(frame.sender) else { throw .setInvalid }
        guard body.survivorsDigest == survivors.digest else { throw .survivorsDiffer }
        guard body.shardHashes.count == group.shards.shardCount else { throw .shardInvalid }
        maskCommits[frame.sender] = body
    }

    /// Sends the shards of the own vector to those who own them in this view.
    mutating func sendShards() {
        guard let own = survivorIndex, certificate == nil, let maskedWords,
            let state = latestView, state.participants.contains(own)
        else { return }
        for (shard, owner) in state.owners.enumerated() {
            if owner == own {
                guard !masked.holds(shard: shard, of: own) else { continue }
                masked.keep(
                    Array(maskedWords[group.shards.range(of: shard)]), shard: shard, of: own)
                progress += 1
            } else {
                // The same bytes in every view, so a view is no part of the key.
                sendOnce(.maskedShard, shard: shard, view: 0, to: owner)
            }
        }
    }

    /// Sends data to a member unless that happened already, or lately where it is sent again.
    mutating func sendOnce(
        _ kind: SecureDataFrame.Kind, shard: Int, view: Int, to receiver: Int, again: Bool = false
    ) {
        let key = SentKey(receiver: receiver, kind: kind, view: view, shard: shard)
        if let last = sentAt[key] {
            let pause = policy.timing.dataSeconds / 4
            guard again, now >= last.adding(seconds: pause) else { return }
        }
        let words: [UInt32]?
        var contributor = 0
        switch kind {
        case .maskedShard:
            words = maskedWords.map { Array($0[group.shards.range(of: shard)]) }
            contributor = ownIndex ?? 0
        case .partialSum: words = views[view]?.sums[shard]
        case .auditedShard: preconditionFailure("an audit is answered on its own")
        }
        guard let words else { return }
        sentAt[key] = now
        let frame = SecureDataFrame(
            kind, group: group.id.bytes, shard: shard, contributor: contributor, words: words)
        send(frame.bytes, to: MemberSet([receiver]))
    }

    mutating func receive(_ data: SecureDataFrame, from peer: PublicKey) throws(SecureRefusal) {
        guard data.group == group.id.bytes else { throw .otherGroup }
        guard let sender = group.index(of: peer) else { throw .unknownMember }
        guard data.shard < group.shards.shardCount,
            data.words.count == group.shards.range(of: data.shard).count
        else { throw .shardInvalid }
        guard let survivors, let state = latestView else { throw .tooEarly }
        switch data.kind {
        case .maskedShard:
            guard data.contributor == sender else { throw .wrongSender }
            guard survivors.members.contains(sender) else { throw .setInvalid }
            guard let own = survivorIndex, state.owners[data.shard] == own else {
                throw .ownerInvalid
            }
            guard let commit = maskCommits[sender] else { throw .tooEarly }
            guard
                Hashing.blake2b256(littleEndianWords: data.words[...])
                    == commit.shardHashes[data.shard]
            else { throw .hashMismatch }
            guard !masked.holds(shard: data.shard, of: sender) else { return }
            masked.keep(data.words, shard: data.shard, of: sender)
        case .auditedShard: try receivedAudited(data, from: sender)
        case .partialSum:
            guard data.contributor == 0 else { throw .malformed }
            guard let partial = currentView?.partials[data.shard] else { throw .tooEarly }
            guard Hashing.blake2b256(littleEndianWords: data.words[...]) == partial.digest else {
                throw .hashMismatch
            }
            guard currentView?.sums[data.shard] == nil else { return }
            views[view]?.sums[data.shard] = data.words
        }
        progress += 1
    }

    /// Sums what this node owns in this view once every participant's shard is here.
    mutating func sumShards() {
        guard let own = survivorIndex, let survivors, certificate == nil,
            let state = currentView
        else { return }
        for (shard, owner) in state.owners.enumerated()
        where owner == own && state.partials[shard] == nil {
            guard let sum = masked.sum(of: shard, participants: state.participants) else {
                continue
            }
            let partial = SecurePartial(
                shard: shard, participants: state.participants,
                digest: Hashing.blake2b256(littleEndianWords: sum[...]))
            views[view]?.partials[shard] = partial
            views[view]?.sums[shard] = sum
            broadcast(.partial, view: view, body: partial.bytes)
            let data = SecureDataFrame(
                .partialSum, group: group.id.bytes, shard: shard, contributor: 0, words: sum)
            for receiver in survivors.members.indices {
                sentAt[
                    SentKey(receiver: receiver, kind: .partialSum, view: view, shard: shard)] = now
            }
            send(data.bytes, to: survivors.members)
        }
    }

    mutating func receivedPartial(_ frame: SecureFrame) throws(SecureRefusal) {
        let partial = try SecurePartial(frame)
        guard survivors != nil, let state = views[frame.view] else { throw .tooEarly }
        guard state.owners.indices.contains(partial.shard) else { throw .shardInvalid }
        guard state.owners[partial.shard] == frame.sender else { throw .ownerInvalid }
        guard partial.participants == state.participants else { throw .setInvalid }
        views[frame.view]?.partials[partial.shard] = partial
    }
}
