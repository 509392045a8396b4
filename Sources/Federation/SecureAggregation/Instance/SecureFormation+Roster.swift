internal import Cryptography

/// Rosters: who proposes when, what is acknowledged.
extension SecureFormation {
    private var ownRank: Int? { proposers.firstIndex(of: own) }

    private var isReady: Bool {
        joins.count == policy.candidates.count
            || now >= startedAt.adding(seconds: policy.timing.joinSeconds)
    }

    /// Whether a proposer of that rank may be heard: those before it had their time.
    private func turnHasCome(rank: Int, patience: Double) -> Bool {
        guard rank > 0 else { return true }
        guard let since = readyAt else { return false }
        return now
            >= since.adding(
                seconds: Double(rank) * policy.timing.fallbackSeconds * patience)
    }

    private func isProposer(of group: SecureGroup) -> Bool {
        group.index(of: own) == group.frame.sender
    }

    mutating func propose() {
        guard secrets != nil, isReady, let rank = ownRank else { return }
        if readyAt == nil { readyAt = now }
        var included = policy.candidates.filter { joins[$0] != nil }
        var view = rank * Self.attemptCount
        if let group, let adoptedAt {
            let isOver = now >= adoptedAt.adding(seconds: policy.timing.stepSeconds)
            if isProposer(of: group) {
                // Those who did not answer are cut before anything secret exists.
                guard isOver, group.view % Self.attemptCount < Self.attemptCount - 1 else {
                    return
                }
                included = group.members.enumerated()
                    .filter { acks[$0.offset + 1] != nil || $0.element == own }.map(\.element)
                view = group.view + 1
            } else {
                guard isOver, turnHasCome(rank: rank, patience: 1), view > group.view else {
                    return
                }
            }
        } else {
            guard turnHasCome(rank: rank, patience: 1) else { return }
        }
        included = policy.balanced(included)
        guard included.count >= policy.memberMinimum, included.contains(own) else { return }
        let entries = included.compactMap { joins[$0]?.last }
        let roster = SecureRoster(policy: policy, joins: entries.map(\.digest))
        let id = SecureDerivation.groupID(
            rosterBytes: roster.canonicalBytes(view: view), networkKey: policy.networkKey)
        guard let index = included.firstIndex(of: own) else { return }
        let frame = SecureFrame(
            .roster, group: id.bytes, sender: index + 1, view: view, body: roster.bytes,
            signer: signer)
        if let slot = SecureSlot(frame) { signed[slot] = frame }
        adopt(SecureGroup(frame: frame, id: id, joins: entries, policy: policy))
        // After a restart it would propose another one of the same view.
        persist(SecureRecords.rosterAck(policy.round), id.bytes)
        send(frame, to: policy.candidates)
    }

    private mutating func adopt(_ next: SecureGroup) {
        group = next
        adoptedAt = now
        readyAt = now
        acks = [:]
        progress += 1
    }

    mutating func receivedRoster(_ frame: SecureFrame) throws(SecureRefusal) {
        if group?.frame == frame { return }
        let roster = try SecureRoster(frame)
        guard roster.manifestDigest == policy.manifestDigest, roster.round == policy.round else {
            throw .otherRound
        }
        let rank = frame.view / Self.attemptCount
        guard proposers.indices.contains(rank) else { throw .notProposer }
        let proposer = proposers[rank]
        let id = SecureDerivation.groupID(
            rosterBytes: roster.canonicalBytes(view: frame.view), networkKey: policy.networkKey)
        guard id.bytes == frame.group else { throw .otherGroup }
        guard frame.isSigned(by: proposer) else { throw .signatureInvalid }
        if let slot = SecureSlot(frame) {
            if let known = signed[slot], !known.saysSame(as: frame) {
                report(known, frame, by: proposer)
                throw .equivocation
            }
            signed[slot] = frame
        }
        guard finalGroup == nil else { return }
        guard frame.view > (group?.view ?? -1) else { throw .viewOver }
        let next = try checked(roster, frame: frame, id: id)
        guard next.key(of: frame.sender) == proposer else { throw .notProposer }
        if isReady, readyAt == nil { readyAt = now }
        guard turnHasCome(rank: rank, patience: 0.5) else { throw .tooEarly }
        adopt(next)
    }

    /// Checks a roster against the policy and this node's own join.
    private func checked(
        _ roster: SecureRoster, frame: SecureFrame, id: Digest
    ) throws(SecureRefusal) -> SecureGroup {
        guard roster.baseDigest == policy.baseDigest, roster.schemaDigest == policy.schemaDigest,
            roster.format == policy.format, roster.memberMinimum == policy.memberMinimum,
            roster.shardSeed == SecureFrame.noGroup
        else { throw .parametersDiffer }
        guard roster.joins.count >= policy.memberMinimum,
            roster.joins.count >= SecureThresholds.memberCountMin
        else { throw .rosterSizeInvalid }
        var known: [Digest: JoinEntry] = [:]
        for entry in joins.values.joined() { known[entry.digest] = entry }
        var entries: [JoinEntry] = []
        for digest in roster.joins {
            guard let entry = known[digest] else { throw .tooEarly }
            if let last = entries.last, last.join.member >= entry.join.member {
                throw .rosterOrderInvalid
            }
            entries.append(entry)
        }
        guard policy.isBalanced(entries.map(\.join.member)) else {
            throw .organisationTooLarge
        }
        guard Set(entries.map(\.join.maskKey)).count == entries.count,
            Set(entries.map(\.join.exchangeKey)).count == entries.count
        else { throw .keysNotUnique }
        if let ownJoin, let mine = entries.first(where: { $0.join.member == own }),
            mine.frame != ownJoin
        {
            throw .joinChanged
        }
        return SecureGroup(frame: frame, id: id, joins: entries, policy: policy)
    }

    /// Signs at most one acknowledgement for each view, and views only increase.
    mutating func acknowledge() {
        guard let group, secrets != nil, let index = group.index(of: own), acks[index] == nil
        else { return }
        if isProposer(of: group) {
            guard acks.count == group.members.count - 1 else { return }
        }
        persist(SecureRecords.rosterAck(policy.round), group.id.bytes)
        let frame = SecureFrame(
            .rosterAck, group: group.id.bytes, sender: index, view: group.view, body: [],
            signer: signer)
        acks[index] = frame
        send(frame, to: group.members)
    }

    mutating func receivedAck(_ frame: SecureFrame) throws(SecureRefusal) {
        guard let group, frame.group == group.id.bytes else {
            throw finalGroup == nil ? .tooEarly : .otherGroup
        }
        guard frame.body.isEmpty, frame.view == group.view else { throw .malformed }
        guard let key = group.key(of: frame.sender) else { throw .unknownMember }
        if acks[frame.sender] == frame { return }
        guard frame.isSigned(by: key) else { throw .signatureInvalid }
        acks[frame.sender] = frame
        progress += 1
    }

    mutating func finish() {
        guard let group, acks.count == group.members.count else { return }
        finalGroup = group
        progress += 1
    }
}
