internal import Cryptography

/// Moving to another view when the current one does not deliver.
extension PeerInstance {
    func signedViewChange() -> ViewChange {
        let committed = current.committed.map {
            ViewChange.Committed(view: $0.view, proposalDigest: $0.digest)
        }
        let statement = ViewChange.statement(
            manifest: manifest.digest, height: current.height, view: current.view,
            committed: committed)
        return ViewChange(
            height: current.height, view: current.view, member: own, committed: committed,
            signature: signer.signature(for: statement))
    }

    /// Starts to listen to a view.
    ///
    /// Only a view change promises anything, and it is persisted.
    mutating func enterView(_ view: UInt64) {
        precondition(view > current.view, "from view \(current.view) back to \(view)")
        current.view = view
        current.viewEnteredAt = now
        current.proposerLostAt = nil
        current.accepted = nil
    }

    mutating func changeViewIfOverdue() {
        noteProposer()
        if let deadline = viewDeadline, now >= deadline {
            startViewChange(to: max(current.view + 1, highestSeenView))
        } else if mustFollow {
            startViewChange(to: highestSeenView)
        }
    }

    private var highestSeenView: UInt64 {
        current.viewChanges.values.map(\.view).max() ?? 0
    }

    /// Whether to move with members that are in a higher view already.
    ///
    /// With so many of them that the rest cannot decide anything, at once. With fewer, when
    /// there is nothing of the current view to wait for: no proposal under way, and the proposer
    /// gone or the update deadline over.
    private var mustFollow: Bool {
        guard isMember, current.kind != nil, current.decided == nil,
            highestSeenView > current.view
        else { return false }
        let ahead = current.viewChanges.values.count { $0.view > current.view }
        if ahead > current.members.count - current.quorum { return true }
        guard current.accepted == nil else { return false }
        return !isReachable(current.proposer(of: current.view)) || now >= updateDeadline
    }

    /// Promises to commit in no lower view; durable before the message leaves.
    private mutating func startViewChange(to view: UInt64) {
        enterView(view)
        persistAgreement()
        let change = signedViewChange()
        current.viewChanges[own] = change
        emit(.notify(.viewChanged(height: current.height, view: view)))
        sendToMembers(.viewChange(change, proposal: current.committed?.proposal))
    }

    mutating func receivedViewChange(
        _ change: ViewChange, proposal: Proposal?
    ) throws(RejectReason) {
        guard change.height == current.height, current.decided == nil else { throw .replay }
        guard chain.isMember(change.member) else { throw .notMember }
        if let known = current.viewChanges[change.member], known.view > change.view { return }
        if current.viewChanges[change.member] != change {
            guard change.isValid(manifest: manifest.digest) else { throw .signatureInvalid }
            current.viewChanges[change.member] = change
        }
        if let proposal, let digest = change.committed?.proposalDigest,
            current.proposals[digest] == nil
        {
            try chain.check(proposal)
            current.remember(proposal, digest: digest)
        }
    }
}
