internal import Cryptography

/// Rounds of groups: a secure sum in each, announced and fetched as updates are in plain rounds, and
/// a robust rule across the sums.
///
/// What is agreed on are announcements, as in plain rounds. That a round is lost is agreed on as in
/// secure rounds of one group, once so many groups never will have a sum that the others are too
/// few for the rule.
extension PeerInstance {
    /// Whether rounds are cut into groups.
    var isGrouped: Bool { manifest.manifest.groupMemberCount != nil }
    /// Whether what is agreed on is one sum of all members.
    var agreesOnSum: Bool { isSecure && !isGrouped }

    /// The members of this node's secure round: all, or its group.
    var secureCandidates: [PublicKey] {
        guard isGrouped else { return current.members }
        return chain.secureGroups?.first { $0.contains(own) } ?? []
    }

    /// Whether this node will never hold its group's sum.
    var hasLostGroup: Bool {
        current.announcements[own] == nil
            && (current.secure.isLost || current.secure.instance?.isHelper == true)
    }

    /// What is announced and stands for the sum of a group; nothing where rounds have none.
    var announcedGroupSums: [UpdateSummary] {
        guard isGrouped else { return [] }
        let announcements = current.members.compactMap { current.announcements[$0] }
        return chain.supported(announcements).map(\.summary)
    }

    /// The announcements that stand for sums that are here and in bounds.
    var usableGroupSums: [SignedAnnouncement] { chain.supported(current.usable) }

    /// Whether the groups' sums may be proposed: all that can still come are here, or time is up.
    var hasGroupsToPropose: Bool {
        let usable = usableGroupSums
        let count = Set(usable.map(\.summary.objectID)).count
        guard count >= manifest.manifest.groupCountMinimum else { return false }
        return awaitedMembers.isEmpty || now >= groupDeadline
    }

    /// Sums come a whole secure round after the updates.
    var groupDeadline: Timestamp {
        guard let timing = secureSetup?.timing else { return updateDeadline }
        let span = max(timing.certificateSeconds, 6 * timing.dataSeconds) + timing.joinSeconds
        return updateDeadline.adding(seconds: span)
    }

    /// Whether too few groups can still come to a sum, as far as this node knows.
    ///
    /// Who cannot be reached long after the deadline counts as lost.
    var areTooManyGroupsLost: Bool {
        let announcements = current.members.compactMap { current.announcements[$0] }
        let isLate = now >= groupDeadline.adding(seconds: SecureHeight.patienceSeconds)
        let open = chain.openGroupCount(announcements) { member in
            if member == own { return hasLostGroup }
            return abstention(of: member) == .roundLost || isLate && !isReachable(member)
        }
        return open < manifest.manifest.groupCountMinimum
    }

    /// Has the opened sum of the own group stored, once it is what members within their bounds can
    /// have put in.
    mutating func publishGroupSum() {
        guard isGrouped, let sum = current.secure.sum, let round = current.round,
            let setup = secureSetup, let members = current.secure.instance?.members,
            !current.secure.isAggregating
        else { return }
        let step = AggregationRound(manifest: manifest, layout: setup.layout, round: round)
        do throws(RejectReason) {
            _ = try step.secureVector.sums(of: sum)
        } catch {
            sumRefused(height: current.height, error)
            return
        }
        current.secure.isAggregating = true
        let bytes = GroupSum(
            manifestDigest: manifest.digest, round: round, baseAdapterDigest: chain.adapterDigest,
            members: members, sum: sum
        ).bytes
        let summary = GroupSum.summary(
            of: bytes, member: own, round: round, base: chain.adapterDigest)
        emit(.storeSum(bytes: bytes, summary))
    }

    /// The own group's sum is in the store: the group's result is its object.
    mutating func groupSumStored(_ summary: UpdateSummary) {
        guard isGrouped, let sum = current.secure.sum, let round = current.round,
            let memberCount = current.secure.instance?.members?.count
        else { return }
        current.secure.sum = nil
        current.secure.isAggregating = false
        emit(
            .notify(
                .secureSumOpened(
                    round: round, participantCount: sum.participants.count,
                    memberCount: memberCount)))
        nextStatusAt = now
        tellGroup(.adapterReady(summary.objectID))
    }
}
