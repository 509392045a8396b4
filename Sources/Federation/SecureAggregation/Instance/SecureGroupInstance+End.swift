internal import Cryptography

/// When a round is over for this node, and why.
extension SecureGroupInstance {
    mutating func checkEnd() {
        guard end == nil, let reason = endReason else { return }
        let end = SecureEnd(
            reason: reason, keepsUpdate: !wasSpent && round?.hasSentMasked != true,
            hasRevealed: round?.hasRevealed == true)
        self.end = end
        contribution = nil
        formation.secrets = nil
        round?.wipe()
        output.append(.ended(end))
    }

    private var endReason: SecureEnd.Reason? {
        let timing = policy.timing
        guard let round else {
            // One proposer after another had its turn, with a second attempt each.
            let seconds = timing.joinSeconds + 4 * (timing.stepSeconds + timing.fallbackSeconds)
            return isPast(startedAt, seconds) ? .noRoster : nil
        }
        if let certifiedAt = round.certifiedAt {
            // The result is known; what is left is to open the sum as well, if that can be.
            let canOpen = round.survivorIndex != nil && round.openedAt == nil
            let seconds = timing.signatureSeconds + 2 * timing.dataSeconds
            return !canOpen || isPast(certifiedAt, seconds) ? .certified : nil
        }
        if round.sumIsOutOfBounds { return .sumOutOfBounds }
        if round.ownIndex == nil { return .excluded }
        if let openedAt = round.openedAt {
            return isPast(openedAt, timing.certificateSeconds) ? .noResult : nil
        }
        if let certificate = round.certificate {
            let seconds = timing.signatureSeconds + 2 * timing.dataSeconds
            return isPast(certificate.since, seconds) ? .notOpened : nil
        }
        guard let survivors = round.survivors else {
            let seconds = timing.stepSeconds + 5 * timing.fallbackSeconds
            return isPast(round.finalAt, seconds) ? .noSurvivors : nil
        }
        if !isHelper, round.survivorIndex == nil { return .excluded }
        return isPast(max(survivors.adoptedAt, due), timing.certificateSeconds)
            ? .noCertificate : nil
    }

    private func isPast(_ start: Timestamp, _ seconds: Double) -> Bool {
        now >= start.adding(seconds: seconds)
    }
}
