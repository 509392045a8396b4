internal import Cryptography

/// M5: who takes part when someone is missing, and who sums instead of an owner that is gone.
///
/// Nothing is open yet, so any number of views is safe.
extension SecureGroupRound {
    /// When the masked vectors should all have arrived.
    private func dataDeadline(_ state: ViewState) -> Timestamp {
        max(state.since, due).adding(seconds: policy.timing.dataSeconds)
    }

    /// When this view is given up.
    private var viewDeadline: Timestamp {
        guard let state = currentView else {
            return viewEnteredAt.adding(seconds: 2 * policy.timing.fallbackSeconds)
        }
        var deadline = dataDeadline(state)
        if state.digests != nil {
            deadline = deadline.adding(seconds: policy.timing.dataSeconds)
        }
        return deadline
    }

    /// The view that most members that are heard have committed in, for as long as it takes to
    /// fetch its sums: a member may also commit to what nobody has.
    private var committedView: Int? {
        guard let firstCommitAt,
            now
                < firstCommitAt.adding(
                    seconds: policy.timing.signatureSeconds + 2 * policy.timing.dataSeconds)
        else { return nil }
        var counts: [Int: Int] = [:]
        for (member, state) in commits
        where isHeard(member) && !convicted.contains(member) && state.view < Self.viewCountMax {
            counts[state.view, default: 0] += 1
        }
        return counts.max { ($0.value, -$0.key) < ($1.value, -$1.key) }?.key
    }

    mutating func changeViewIfOverdue() {
        guard let survivors, survivorIndex != nil, certificate == nil else { return }
        if let committed = committedView {
            // Whoever commits holds every sum: the others fetch them instead of starting anew.
            if committed != view {
                view = committed
                viewEnteredAt = now
                progress += 1
            }
            return
        }
        let ahead = receiptViews(above: view)
        if ahead.count > group.members.count - group.thresholds.threshold,
            let highest = ahead.max()
        {
            enter(view: highest)
            return
        }
        guard now >= viewDeadline else { return }
        var next = view + 1
        while next < Self.viewCountMax {
            // A proposer that is silent is passed over at once.
            if let proposer = group.proposer(of: next, among: survivors.members),
                isHeard(proposer), !convicted.contains(proposer)
            {
                enter(view: next)
                return
            }
            next += 1
        }
    }

    private func receiptViews(above view: Int) -> [Int] {
        var highest: [Int: Int] = [:]
        for (other, senders) in viewSenders(.receipt) where other > view {
            for sender in senders.indices { highest[sender] = max(highest[sender] ?? 0, other) }
        }
        return Array(highest.values)
    }

    /// Moves on and tells what this node holds.
    private mutating func enter(view next: Int) {
        view = next
        viewEnteredAt = now
        dropSums()
        progress += 1
        tellReceipt()
    }

    private mutating func tellReceipt() {
        guard let own = survivorIndex, frame(.receipt, of: own, view: view) == nil else { return }
        broadcast(.receipt, view: view, body: SecureReceipt(shards: masked.entries).bytes)
    }

    /// Sums of other views are of no more use, but for the one that this node committed to.
    private mutating func dropSums() {
        let committed = signerIndex.flatMap { commits[$0]?.view }
        for other in views.keys where other != view && other != committed {
            views[other]?.sums = [:]
        }
    }

    mutating func receivedReceipt(_ frame: SecureFrame) throws(SecureRefusal) {
        let receipt = try SecureReceipt(frame)
        guard let survivors else { throw .tooEarly }
        guard survivors.members.contains(frame.sender) else { throw .setInvalid }
        guard (1..<Self.viewCountMax).contains(frame.view) else { throw .viewOver }
        var last = -1
        for entry in receipt.shards {
            guard entry.shard > last, entry.shard < group.shards.shardCount else {
                throw .shardInvalid
            }
            guard entry.contributors.isSubset(of: survivors.members) else { throw .setInvalid }
            last = entry.shard
        }
    }

    private func receipts(in view: Int) -> [Int: SecureReceipt] {
        var receipts: [Int: SecureReceipt] = [:]
        for sender in senders(.receipt, view: view).indices {
            receipts[sender] = frame(.receipt, of: sender, view: view)
                .flatMap { try? SecureReceipt($0) }
        }
        return receipts
    }

    mutating func proposeContributors() {
        guard view > 0, certificate == nil, currentView == nil, let survivors,
            let own = survivorIndex,
            group.proposer(of: view, among: survivors.members) == own
        else { return }
        let receipts = receipts(in: view)
        let alive = MemberSet(receipts.keys).subtracting(convicted)
        let heard = MemberSet(survivors.members.indices.filter(isHeard))
        let isLate =
            now >= viewEnteredAt.adding(seconds: policy.timing.fallbackSeconds / 2)
        guard alive.count >= group.thresholds.threshold, isLate || heard.isSubset(of: alive) else {
            return
        }
        let body = contributors(receipts: receipts, alive: alive, survivors: survivors)
        guard body.participants.count >= group.thresholds.participantMinimum,
            let frame = sign(.contributors, view: view, body: body.bytes)
        else { return }
        place(frame)
        adopt(body, view: view)
        send(frame.bytes, to: group.everyone)
    }

    /// Owners that are alive keep their shards; participants are those whose every shard is where
    /// it must be or can still be brought there.
    private func contributors(
        receipts: [Int: SecureReceipt], alive: MemberSet, survivors: SurvivorState
    ) -> SecureContributors {
        let among = alive.indices.compactMap { index in
            group.key(of: index).map { (index: index, key: $0) }
        }
        let latest = views.keys.filter { $0 < view }.max() ?? 0
        let previous = views[latest]?.owners ?? []
        let committed = MemberSet(maskCommits.keys)
        var participants = survivors.members.intersection(committed)
        // Those who are alive may send again to owners that lack their shards: for when there
        // are too few otherwise.
        var reachable = participants
        var owners: [Int] = []
        for (shard, owner) in previous.enumerated() {
            let isKept = alive.contains(owner)
            let next =
                isKept
                ? owner
                : ShardMap.owner(of: shard, group: group.id, view: view, among: among) ?? owner
            owners.append(next)
            var available = receipts[next]?.contributors(of: shard) ?? MemberSet()
            if !isKept { available = MemberSet(bits: available.bits | alive.bits) }
            participants = participants.intersection(available)
            reachable = reachable.intersection(MemberSet(bits: available.bits | alive.bits))
        }
        if participants.count < group.thresholds.participantMinimum { participants = reachable }
        return SecureContributors(participants: participants, owners: owners)
    }

    mutating func receivedContributors(_ frame: SecureFrame) throws(SecureRefusal) {
        let body = try SecureContributors(frame)
        guard let survivors else { throw .tooEarly }
        guard (1..<Self.viewCountMax).contains(frame.view) else { throw .viewOver }
        guard group.proposer(of: frame.view, among: survivors.members) == frame.sender else {
            throw .notProposer
        }
        guard body.participants.isSubset(of: survivors.members) else { throw .setInvalid }
        guard body.participants.count >= group.thresholds.participantMinimum else {
            throw .participantsTooFew
        }
        guard body.owners.count == group.shards.shardCount,
            body.owners.allSatisfy(survivors.members.contains)
        else { throw .ownerInvalid }
        adopt(body, view: frame.view)
    }

    private mutating func adopt(_ body: SecureContributors, view next: Int) {
        views[next] = ViewState(
            participants: body.participants, owners: body.owners, since: now)
        progress += 1
        if next > view, certificate == nil {
            view = next
            viewEnteredAt = now
            dropSums()
        }
    }
}
