internal import Cryptography

/// Rounds whose sums are secret inside a group and compared across groups.
extension ChainState {
    /// The groups of the next round; `nil` where rounds have none.
    ///
    /// - Complexity: O(members x log members).
    var secureGroups: [[PublicKey]]? {
        guard let size = manifest.groupMemberCount else { return nil }
        return SecureGroupDraw(
            beacon: headDigest, round: completedRoundCount + 1, memberCountMin: size
        ).groups(of: members)
    }

    /// How many of a group have to announce the same sum: as many as it takes to open one.
    static func announcementMinimum(groupMemberCount: Int) -> Int {
        2 * groupMemberCount / 3 + 1
    }

    /// The announcements that stand for a sum of their group, in ascending order of the members: of
    /// each group those that so many of its members agree on.
    ///
    /// Only those are worth fetching: what fewer say may be a lie about somebody else's object.
    func supported(_ announcements: [SignedAnnouncement]) -> [SignedAnnouncement] {
        var kept: [SignedAnnouncement] = []
        for group in secureGroups ?? [] {
            // No two sums can have so many.
            let most = Self.mostEqual(announcements, in: group)
            if most.count >= Self.announcementMinimum(groupMemberCount: group.count) {
                kept += most
            }
        }
        return kept.sorted { $0.summary.member < $1.summary.member }
    }

    /// How many groups have a sum or can still come to one, when these members never will announce
    /// any: what was announced stands, and the others may join the most.
    func openGroupCount(
        _ announcements: [SignedAnnouncement], isLost: (PublicKey) -> Bool
    ) -> Int {
        let announced = Set(announcements.map(\.summary.member))
        return (secureGroups ?? []).count { group in
            let undecided = group.count { !announced.contains($0) && !isLost($0) }
            return Self.mostEqual(announcements, in: group).count + undecided
                >= Self.announcementMinimum(groupMemberCount: group.count)
        }
    }

    /// The announcements of a group's members that say the same and are the most.
    private static func mostEqual(
        _ announcements: [SignedAnnouncement], in group: [PublicKey]
    ) -> [SignedAnnouncement] {
        let own = announcements.filter { group.contains($0.summary.member) }
        var most: [SignedAnnouncement] = []
        for candidate in own {
            let summary = candidate.summary
            let equal = own.filter {
                $0.summary.objectID == summary.objectID
                    && $0.summary.byteCount == summary.byteCount
                    && $0.summary.exampleCount == summary.exampleCount
            }
            if equal.count > most.count { most = equal }
        }
        return most
    }

    /// The groups with a sum among these announcements.
    func supportedGroupCount(_ announcements: [SignedAnnouncement]) -> Int {
        Set(supported(announcements).map(\.summary.objectID)).count
    }

    /// Checks a round of groups: every announcement stands for a sum of its group, no two groups
    /// have one sum, and there are as many as the rule needs; or the round is lost.
    func checkGroups(_ proposal: Proposal) throws(RejectReason) {
        if proposal.secure == .lost {
            guard proposal.participants.isEmpty else { throw .proposalInvalid }
            return
        }
        let participants = proposal.participants
        guard proposal.secure == nil, Self.isAscending(participants.map(\.summary.member)) else {
            throw .proposalInvalid
        }
        for participant in participants { try check(participant) }
        guard supported(participants) == participants,
            supportedGroupCount(participants) >= manifest.groupCountMinimum,
            haveOwnSums(participants)
        else { throw .proposalInvalid }
    }

    private func haveOwnSums(_ participants: [SignedAnnouncement]) -> Bool {
        let groups = secureGroups ?? []
        let pairs = participants.map { item in
            (item.summary.objectID, groups.firstIndex { $0.contains(item.summary.member) } ?? -1)
        }
        return pairs.allSatisfy { pair in
            pairs.allSatisfy { ($0.0 == pair.0) == ($0.1 == pair.1) }
        }
    }
}

extension Manifest {
    /// The least size of the groups of a round; `nil` where rounds have none.
    var groupMemberCount: Int? {
        guard let count = aggregation.robustness?.groupMemberCount, count > 0 else { return nil }
        return count
    }

    /// The groups that a round needs for its rule to bear its liars; 0 where rounds have none.
    var groupCountMinimum: Int {
        groupMemberCount == nil ? 0 : aggregation.robustness?.participantMinimum ?? 0
    }

    /// The members below which no round is possible: enough for every group.
    var secureMemberMinimum: Int {
        if let groupMemberCount { return groupCountMinimum * groupMemberCount }
        return secure?.memberMinimum ?? 1
    }
}
