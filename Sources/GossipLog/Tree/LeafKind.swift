/// What a log entry records.
///
/// The numbers are part of the leaf and are never reused. A number that this program does not know
/// is kept as it is, so that a newer log can still be audited.
public struct LeafKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number.
    public let rawValue: UInt16

    /// Takes any number.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// This node joined.
    public static let joined = LeafKind(rawValue: 1)
    /// The roster of a round.
    public static let roster = LeafKind(rawValue: 2)
    /// The commit certificate of a round.
    public static let certificate = LeafKind(rawValue: 3)
    /// The certified result of a round.
    public static let result = LeafKind(rawValue: 4)
    /// The result across groups.
    public static let acrossGroups = LeafKind(rawValue: 5)
    /// Two signed statements that exclude each other.
    public static let equivocation = LeafKind(rawValue: 6)
    /// A membership certificate, a revocation or the use of an invite.
    public static let membership = LeafKind(rawValue: 7)
    /// The hash of another node's tree head.
    public static let treeHeadSeen = LeafKind(rawValue: 8)
    /// Signed statements that show a fault other than equivocation.
    public static let evidence = LeafKind(rawValue: 9)
    /// A round that was charged to the privacy budget and lost.
    public static let charged = LeafKind(rawValue: 10)
    /// A member announced an update.
    public static let updateAnnounced = LeafKind(rawValue: 16)
    /// A member's update is here and valid.
    public static let updateReceived = LeafKind(rawValue: 17)
    /// A member's update was refused; the payload has the reason.
    public static let updateRefused = LeafKind(rawValue: 18)
    /// A valid update came after its round was decided and is not in the sum.
    public static let updateLate = LeafKind(rawValue: 19)
    /// The updates of a round were summed here.
    public static let aggregated = LeafKind(rawValue: 20)
    /// States that arrived were averaged here with the node's own.
    public static let mixed = LeafKind(rawValue: 21)
    /// A remark that no check depends on.
    public static let note = LeafKind(rawValue: 32)

    private static let names: [UInt16: String] = [
        1: "joined", 2: "roster", 3: "certificate", 4: "result", 5: "acrossGroups",
        6: "equivocation", 7: "membership", 8: "treeHeadSeen", 9: "evidence", 10: "charged",
        16: "updateAnnounced", 17: "updateReceived", 18: "updateRefused", 19: "updateLate",
        20: "aggregated", 21: "mixed", 32: "note",
    ]

    /// The name, or the number of a kind that has none here.
    public var description: String {
        Self.names[rawValue] ?? "kind \(rawValue)"
    }
}
