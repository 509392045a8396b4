internal import Cryptography

/// How many members of one organisation a group may have.
///
/// Source: specs/admission.md, section 2.3.
extension SecurePolicy {
    /// Whether no organisation has more of these members than may be.
    func isBalanced(_ members: [PublicKey]) -> Bool {
        let most = AdmissionRegistry.organisationMemberCountMax(groupOf: members.count)
        return counts(of: members).values.allSatisfy { $0 <= most }
    }

    /// Those of the candidates that make a balanced group: of an organisation with too many, the ones
    /// that the beacon puts first.
    func balanced(_ candidates: [PublicKey]) -> [PublicKey] {
        var kept = candidates
        while !isBalanced(kept) {
            let most = AdmissionRegistry.organisationMemberCountMax(groupOf: kept.count)
            var counts: [String: Int] = [:]
            var next: Set<PublicKey> = []
            for member in proposerOrder(of: kept) {
                if let organisation = organisations[member] {
                    counts[organisation, default: 0] += 1
                    guard counts[organisation, default: 0] <= most else { continue }
                }
                next.insert(member)
            }
            kept = kept.filter(next.contains)
        }
        return kept
    }

    private func counts(of members: [PublicKey]) -> [String: Int] {
        var counts: [String: Int] = [:]
        for member in members {
            if let organisation = organisations[member] {
                counts[organisation, default: 0] += 1
            }
        }
        return counts
    }
}

extension PeerInstance {
    /// Says who may be in the secure round, as far as certificates go.
    func restrict(_ policy: inout SecurePolicy) {
        guard !admission.isOpen else { return }
        policy.excluded = Set(policy.candidates.filter { !counts($0) })
        for member in policy.candidates {
            let organisation = admission.registry.organisation(of: member)
            if !organisation.isEmpty { policy.organisations[member] = organisation }
        }
    }
}
