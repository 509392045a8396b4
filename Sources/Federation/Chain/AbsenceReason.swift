/// Why a member is not among the participants of a certified round.
///
/// Each absence has one.
///
/// On the wire and in entries: the number as two bytes, then two bytes of ``RejectReason`` that
/// are 0 for every other case. Numbers are never reused.
public enum AbsenceReason: Hashable, Sendable {
    /// Nothing was heard from the member before the deadline. Only this one counts towards a
    /// departure.
    case silent
    /// The member was there, but its update was not ready at the deadline.
    case tooSlow
    /// The member announced an update whose bytes did not arrive in time.
    case transferIncomplete
    /// The member announced that it leaves.
    case left
    /// The member's update was refused.
    case refused(RejectReason)
    /// The member has too little text to train on.
    case belowData
    /// The member's training failed, for instance with a loss that is not finite.
    case trainingFailed
    /// The member has too little memory to train; it serves others.
    case belowMemory
    /// The secure round ended for the member without a sum.
    case roundLost

    /// The stable number.
    public var code: UInt16 {
        switch self {
        case .silent: 1
        case .tooSlow: 2
        case .transferIncomplete: 3
        case .left: 4
        case .refused: 5
        case .belowData: 6
        case .trainingFailed: 7
        case .belowMemory: 8
        case .roundLost: 9
        }
    }

    /// The stable number of the refusal, 0 for the other cases.
    public var detail: UInt16 {
        if case .refused(let reason) = self { reason.rawValue } else { 0 }
    }

    /// Reads the two numbers; `nil` for a pair that no reason has.
    public init?(code: UInt16, detail: UInt16) {
        switch (code, detail) {
        case (1, 0): self = .silent
        case (2, 0): self = .tooSlow
        case (3, 0): self = .transferIncomplete
        case (4, 0): self = .left
        case (5, _):
            guard let reason = RejectReason(rawValue: detail) else { return nil }
            self = .refused(reason)
        case (6, 0): self = .belowData
        case (7, 0): self = .trainingFailed
        case (8, 0): self = .belowMemory
        case (9, 0): self = .roundLost
        default: return nil
        }
    }

    /// One sentence for people.
    public var sentence: String {
        switch self {
        case .silent: "Nothing was heard from the member before the deadline."
        case .tooSlow: "The member's update was not ready at the deadline."
        case .transferIncomplete: "The bytes of the member's update did not arrive in time."
        case .left: "The member announced that it leaves."
        case .refused(let reason): "The member's update was refused: \(reason.sentence)"
        case .belowData: "The member has too little text to train on."
        case .trainingFailed: "The member's training failed."
        case .belowMemory: "The member has too little memory to train."
        case .roundLost: "The secure round ended for the member without a sum."
        }
    }
}
