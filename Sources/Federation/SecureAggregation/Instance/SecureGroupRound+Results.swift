internal import Cryptography

/// What the round came to, as each member signs it.
extension SecureGroupRound {
    mutating func signResult() {
        guard let own = survivorIndex, let sum, !sumIsOutOfBounds, let adapterDigest,
            let certificate, results[own] == nil
        else { return }
        let body = SecureResult(
            participants: certificate.commit.participants, totalDigest: sum.digest,
            adapterDigest: adapterDigest)
        results[own] = body
        broadcast(.result, body: body.bytes)
    }

    mutating func receivedResult(_ frame: SecureFrame) throws(SecureRefusal) {
        let body = try SecureResult(frame)
        guard body.participants.isSubset(of: group.everyone),
            body.participants.count >= group.thresholds.participantMinimum
        else { throw .setInvalid }
        results[frame.sender] = body
    }

    mutating func certifyResult() {
        guard certified == nil else { return }
        for candidate in results.values {
            let equal = results.filter { $0.value == candidate }.keys.sorted()
            guard equal.count >= group.thresholds.threshold else { continue }
            let certificate = SecureRoundCertificate(
                group: group.id, round: policy.round, members: group.members,
                participants: group.keys(of: candidate.participants),
                totalDigest: candidate.totalDigest, adapterDigest: candidate.adapterDigest,
                results: equal.compactMap { frame(.result, of: $0)?.bytes })
            certified = certificate
            certifiedAt = now
            emit(
                .persist(
                    key: SecureRecords.result(policy.round),
                    value: candidate.adapterDigest.bytes))
            emit(.certified(certificate))
            masked.removeAll()
            return
        }
    }
}
