public import Cryptography

/// What a secure round came to, as its entry says.
public enum SecureRoundOutcome: Hashable, Sendable {
    /// The sum is open.
    case summed(SecureSummary)
    /// It ended without a sum: nobody's update was opened, and the adapter stays as it was.
    case lost

    /// Whose updates are in the sum, in ascending order; none in a lost round.
    public var participants: [PublicKey] {
        if case .summed(let summary) = self { summary.participants } else { [] }
    }
}

/// A sum that a secure round opened.
public struct SecureSummary: Hashable, Sendable {
    /// The members of the group, n, of whom floor(2n/3) + 1 opened it.
    public let memberCount: Int
    /// Whose updates are in it, in ascending order.
    public let participants: [PublicKey]
    /// The examples of all of them together; those of one member nobody learns.
    public let weight: UInt32
    /// BLAKE2b-256 of the summed words and the weight behind them, four bytes each, low byte first.
    public let totalDigest: Digest
}

extension SecureRoundOutcome {
    /// Whether this could be the outcome of a round of those members.
    func isValid(members: [PublicKey], manifest: Manifest) -> Bool {
        guard let secure = manifest.secure else { return false }
        guard case .summed(let summary) = self else { return true }
        let count = summary.participants.count
        guard summary.memberCount >= SecureThresholds.memberCountMin,
            summary.memberCount <= members.count,
            ChainState.isAscending(summary.participants),
            Set(summary.participants).isSubset(of: members)
        else { return false }
        let least = SecureThresholds(
            memberCount: summary.memberCount, memberMinimum: secure.memberMinimum
        ).participantMinimum
        return count >= least && count <= summary.memberCount
            && Int(summary.weight) >= count
            && Int(summary.weight) <= count * manifest.ring.weightUnit
    }
}

extension CanonicalWriter {
    mutating func write(_ summary: SecureSummary) {
        write(count: summary.memberCount)
        write(count: summary.participants.count)
        for key in summary.participants { write(raw: key.bytes) }
        write(summary.weight)
        write(raw: summary.totalDigest.bytes)
    }
}

extension CanonicalReader {
    mutating func readSecureSummary() throws(CanonicalError) -> SecureSummary {
        let start = offset
        let memberCount = Int(try read(UInt32.self))
        guard memberCount <= SecureThresholds.memberCountMax else {
            throw .tooLong(
                offset: start, count: memberCount, allowed: SecureThresholds.memberCountMax)
        }
        var participants: [PublicKey] = []
        let count = try readCount(
            max: SecureThresholds.memberCountMax, itemByteCount: PublicKey.byteCount)
        for _ in 0..<count { participants.append(try readKey()) }
        return SecureSummary(
            memberCount: memberCount, participants: participants, weight: try read(),
            totalDigest: try readDigest())
    }
}
