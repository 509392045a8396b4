internal import Cryptography

/// What this node holds of a round, and what it sends to one that lacks it.
extension SecureGroupRound {
    func describe(in status: inout SecureStatus) {
        status.deals = senders(.deal)
        status.shares = MemberSet(shares.keys)
        status.dealAcks = senders(.dealAck)
        status.hasSurvivors = survivors != nil
        status.maskCommits = senders(.maskCommit)
        status.view = view
        status.hasContributors = currentView != nil
        status.receipts = senders(.receipt, view: view)
        status.commits = senders(.commit)
        status.reveals = senders(.reveal)
        status.results = senders(.result)
        if let own = survivorIndex, let owners = latestView?.owners {
            status.ownedShards = owners.enumerated().filter { $0.element == own }.map {
                .init(shard: $0.offset, contributors: masked.contributors(of: $0.offset))
            }
        }
        guard let state = currentView else { return }
        status.partials = MemberSet(state.partials.keys.map { $0 + 1 })
        status.sums = MemberSet(state.sums.keys.map { $0 + 1 })
        status.partialsDigest = partialsDigest
    }

    /// The digest of all partial sums of the view; zero bytes while one is missing.
    private var partialsDigest: [UInt8] {
        currentView?.digests.map { SecureDerivation.sumDigest($0).bytes } ?? SecureFrame.noGroup
    }

    mutating func answer(_ status: SecureStatus, to peer: PublicKey) {
        guard let receiver = group.index(of: peer) else { return }
        var missing: [SecureFrame] = []
        for (kind, held) in [
            (SecureFrame.Kind.deal, status.deals), (.dealAck, status.dealAcks),
            (.maskCommit, status.maskCommits), (.commit, status.commits),
            (.reveal, status.reveals), (.result, status.results),
        ] {
            for sender in senders(kind).subtracting(held).indices where sender != receiver {
                if let frame = frame(kind, of: sender) { missing.append(frame) }
            }
        }
        if let own = ownIndex, !status.shares.contains(own), let share = sentShares[receiver] {
            missing.insert(share, at: 0)
        }
        if !status.hasSurvivors, let survivors { missing.insert(survivors.frame, at: 0) }
        missing += missingOfView(status, receiver: receiver)
        for frame in missing { send(frame.bytes, to: MemberSet([receiver])) }
        answerData(status, receiver: receiver)
    }

    /// The statements of the view in which the receiver is, or of a later one.
    private func missingOfView(_ status: SecureStatus, receiver: Int) -> [SecureFrame] {
        guard let survivors else { return [] }
        let isBehind = status.view < view || (status.view == view && !status.hasContributors)
        var missing: [SecureFrame] = []
        if isBehind, let proposer = group.proposer(of: view, among: survivors.members),
            let frame = frame(.contributors, of: proposer, view: view)
        {
            missing.append(frame)
        }
        let isSame = status.view == view
        let receipts = senders(.receipt, view: view)
            .subtracting(isSame ? status.receipts : MemberSet())
        if status.view <= view {
            for sender in receipts.indices where sender != receiver {
                if let frame = frame(.receipt, of: sender, view: view) { missing.append(frame) }
            }
        }
        guard isSame, let state = currentView else { return missing }
        // Both hold every statement, but not the same ones: an owner has signed two.
        let digest = partialsDigest
        let differs =
            digest != SecureFrame.noGroup && status.partialsDigest != SecureFrame.noGroup
            && digest != status.partialsDigest
        for shard in state.partials.keys.sorted()
        where differs || !status.partials.contains(shard + 1) {
            if let frame = frame(.partial, of: state.owners[shard], view: view, item: shard) {
                missing.append(frame)
            }
        }
        return missing
    }

    /// Words that the receiver lacks; again only after a pause, since they may be on their way.
    private mutating func answerData(_ status: SecureStatus, receiver: Int) {
        guard let own = ownIndex, let survivors, survivors.members.contains(receiver),
            let latest = latestView
        else { return }
        if latest.participants.contains(own) {
            for entry in status.ownedShards
            where latest.owners.indices.contains(entry.shard)
                && latest.owners[entry.shard] == receiver && !entry.contributors.contains(own)
            {
                sendOnce(.maskedShard, shard: entry.shard, view: 0, to: receiver, again: true)
            }
        }
        guard status.view == view, let state = currentView else { return }
        for shard in state.sums.keys.sorted() where !status.sums.contains(shard + 1) {
            let owner = state.owners[shard]
            // Its owner sends a sum; where the owner may lack it, the next member that does not.
            let mayLack = !isHeard(owner) || certificate != nil
            guard owner == own || (mayLack && isNext(after: receiver)) else { continue }
            sendOnce(.partialSum, shard: shard, view: view, to: receiver, again: true)
        }
    }

    /// Whether this node follows the receiver among the members that are heard and, as far as is
    /// known, hold every sum.
    private func isNext(after receiver: Int) -> Bool {
        let count = group.members.count
        for step in 1..<count {
            let index = (receiver - 1 + step) % count + 1
            if index == ownIndex { return true }
            if isHeard(index), commits[index] != nil { return false }
        }
        return false
    }
}
