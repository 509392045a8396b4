/// What a membership certificate allows its holder.
public struct MemberRoles: OptionSet, Hashable, Sendable {
    /// One bit for each right.
    public let rawValue: UInt8

    /// Takes the bits, known or not; a certificate with unknown ones is malformed.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// May be a member of the chain or of the roster, and so train and vote.
    public static let train = MemberRoles(rawValue: 1)
    /// May follow the federation and cosign its members' logs; every member may.
    public static let witness = MemberRoles(rawValue: 2)
    /// May issue certificates and revoke those that it issued.
    public static let issue = MemberRoles(rawValue: 4)

    /// Every right that there is.
    public static let all: MemberRoles = [.train, .witness, .issue]

    /// The names of the rights, in the order of their bits.
    public var names: [String] {
        [(MemberRoles.train, "train"), (.witness, "witness"), (.issue, "issue")]
            .filter { contains($0.0) }.map(\.1)
    }
}
