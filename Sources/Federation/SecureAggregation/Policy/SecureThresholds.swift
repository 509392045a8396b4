/// How many members of a group it takes to do what.
///
/// Source: docs/protocol/secure-aggregation.md, section 1.
public struct SecureThresholds: Hashable, Sendable {
    /// The fewest members a group can ever have.
    public static let memberCountMin = 3
    /// The most members of a group.
    public static let memberCountMax = 64
    /// The least number of participants unless the manifest lowers it.
    public static let memberMinimumDefault = 5

    /// The members, n.
    public let memberCount: Int
    /// The least number of participants by policy, 3...64.
    public let memberMinimum: Int

    /// Takes counts that the policy has checked.
    public init(memberCount: Int, memberMinimum: Int) {
        precondition(
            (1...Self.memberCountMax).contains(memberCount) && memberMinimum > 0,
            "\(memberCount) members with a minimum of \(memberMinimum)")
        self.memberCount = memberCount
        self.memberMinimum = memberMinimum
    }

    /// How many shares rebuild a secret and how many commits certify: floor(2n/3) + 1.
    public var threshold: Int { 2 * memberCount / 3 + 1 }
    /// How many members may lie without anyone's update being opened: floor((n - 1)/3).
    public var corruptCountMax: Int { (memberCount - 1) / 3 }
    /// The least number of participants: the threshold or the policy's minimum.
    public var participantMinimum: Int { max(threshold, memberMinimum) }
}
