internal import Cryptography

/// Owners are checked by chance: a sum that one signed alone is wrong for all alike, and only the
/// shards behind it show that.
///
/// Each member asks for one shard's parts with a chance of one in n, so each round has about one
/// audit.
extension SecureGroupRound {
    mutating func startAudit() {
        guard !hasDrawnAudit, let own = survivorIndex, let state = commits[own], let secrets else {
            return
        }
        hasDrawnAudit = true
        guard
            let shard = secrets.auditedShard(
                group: group.id, memberCount: group.members.count,
                shardCount: group.shards.shardCount),
            let owner = views[state.view]?.owners[shard]
        else { return }
        audit = AuditState(
            view: state.view, shard: shard, owner: owner, isDone: owner == own)
        guard owner != own,
            let frame = sign(.audit, view: state.view, body: SecureAudit(shard: shard).bytes)
        else { return }
        send(frame.bytes, to: MemberSet([owner]))
    }

    /// Shows a member once what it asks for, as long as it is here.
    mutating func receivedAudit(
        _ frame: SecureFrame, from peer: PublicKey
    ) throws(SecureRefusal) {
        guard frame.group == group.id.bytes else { throw .otherGroup }
        guard let key = group.key(of: frame.sender) else { throw .unknownMember }
        guard key == peer else { throw .wrongSender }
        let body = try SecureAudit(frame)
        guard frame.isSigned(by: key) else { throw .signatureInvalid }
        guard survivors != nil, let state = views[frame.view] else { throw .tooEarly }
        guard state.owners.indices.contains(body.shard) else { throw .shardInvalid }
        guard let own = ownIndex, state.owners[body.shard] == own else { throw .ownerInvalid }
        let sent = SentKey(
            receiver: frame.sender, kind: .auditedShard, view: frame.view, shard: body.shard)
        guard sentAt[sent] == nil else { return }
        sentAt[sent] = now
        for contributor in state.participants.indices {
            guard let words = masked.words(shard: body.shard, of: contributor) else { return }
            let data = SecureDataFrame(
                .auditedShard, group: group.id.bytes, shard: body.shard,
                contributor: contributor, words: words)
            send(data.bytes, to: MemberSet([frame.sender]))
        }
    }

    mutating func receivedAudited(
        _ data: SecureDataFrame, from sender: Int
    ) throws(SecureRefusal) {
        guard let audit, !audit.isDone, audit.shard == data.shard, audit.owner == sender,
            let state = views[audit.view]
        else { throw .wrongSender }
        guard state.participants.contains(data.contributor),
            let commit = maskCommits[data.contributor]
        else { throw .setInvalid }
        guard
            Hashing.blake2b256(littleEndianWords: data.words[...])
                == commit.shardHashes[data.shard]
        else { throw .hashMismatch }
        self.audit?.shards[data.contributor] = data.words
        if self.audit?.shards.count == state.participants.count { finishAudit(state) }
    }

    private mutating func finishAudit(_ state: ViewState) {
        guard let audit, let partial = state.partials[audit.shard] else { return }
        let words = state.participants.indices.compactMap { audit.shards[$0] }
        self.audit = AuditState(
            view: audit.view, shard: audit.shard, owner: audit.owner, isDone: true)
        guard var sum = words.first else { return }
        for next in words.dropFirst() { MaskGenerator.add(next, to: &sum) }
        guard Hashing.blake2b256(littleEndianWords: sum[...]) != partial.digest,
            let key = group.key(of: audit.owner),
            let frame = frame(.partial, of: audit.owner, view: audit.view, item: audit.shard)
        else { return }
        convicted.insert(audit.owner)
        emit(
            .evidence(
                .falseSum(
                    .init(
                        member: key, partial: frame.bytes,
                        maskCommits: state.participants.indices.compactMap {
                            self.frame(.maskCommit, of: $0)?.bytes
                        },
                        joins: state.participants.indices.map { group.joins[$0 - 1].frame.bytes },
                        shards: words, roster: group.frame.bytes))))
    }
}
