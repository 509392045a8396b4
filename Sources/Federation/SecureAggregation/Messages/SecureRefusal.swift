/// Why bytes of a secure round were refused.
///
/// The numbers are stable and never reused.
public enum SecureRefusal: UInt16, Error, Hashable, Sendable, CaseIterable {
    /// The bytes cannot be read.
    case malformed = 1
    /// The message is longer than its kind allows.
    case tooLong = 2
    /// The message belongs to another federation or round.
    case otherRound = 3
    /// The message belongs to another group.
    case otherGroup = 4
    /// The sender may not be in this group.
    case notCandidate = 5
    /// There is no member with that index.
    case unknownMember = 6
    /// The signature does not fit the bytes.
    case signatureInvalid = 7
    /// What the message builds on is not here yet; it is kept and tried again.
    case tooEarly = 8
    /// The message came from someone else than the one who must send it.
    case wrongSender = 9
    /// The same member signed two different statements for one place.
    case equivocation = 10
    /// Base model, layout, vector format or minimum differ from this node's.
    case parametersDiffer = 11
    /// The join has expired.
    case expired = 12
    /// A public key is the identity or no point of its group.
    case keyInvalid = 13
    /// The roster has fewer members than the policy's minimum, or more than 64.
    case rosterSizeInvalid = 14
    /// The roster's joins are not in ascending order of their members.
    case rosterOrderInvalid = 15
    /// The roster holds another join of this node than the one it sent.
    case joinChanged = 16
    /// Two members of the roster have the same key.
    case keysNotUnique = 17
    /// The view is not above the one that was answered last, or it is over.
    case viewOver = 18
    /// The sender is not the proposer of that view.
    case notProposer = 19
    /// The deal has not as many commitments as the threshold asks for.
    case dealInvalid = 20
    /// A share does not open or does not fit the dealer's commitments.
    case shareInvalid = 21
    /// The survivors are too few, out of order, or dealt something else.
    case survivorsInvalid = 22
    /// A set names members outside the one it must lie in.
    case setInvalid = 23
    /// The participants and the dropped overlap, or they do not make up the survivors.
    case setsOverlap = 24
    /// Fewer participants than threshold and minimum ask for.
    case participantsTooFew = 25
    /// A shard has no owner among the participants or survivors, or the sender does not own it.
    case ownerInvalid = 26
    /// There is no shard with that number, or it has another length.
    case shardInvalid = 27
    /// The words are not the ones whose hash was signed.
    case hashMismatch = 28
    /// The mask commit is for other survivors than this node's.
    case survivorsDiffer = 29
    /// The certificate has too few commits or one that is not valid.
    case certificateInvalid = 30
    /// The reveal holds other shares than the certificate asks for.
    case revealInvalid = 31
    /// The round is over for this node.
    case roundOver = 32
    /// One organisation has more members in the roster than may be.
    case organisationTooLarge = 40

    /// One sentence for people.
    public var sentence: String {
        switch self {
        case .malformed: "The bytes cannot be read."
        case .tooLong: "The message is longer than its kind allows."
        case .otherRound: "The message belongs to another federation or round."
        case .otherGroup: "The message belongs to another group."
        case .notCandidate: "The sender may not be in this group."
        case .unknownMember: "There is no member with that index."
        case .signatureInvalid: "The signature does not fit the bytes."
        case .tooEarly: "What the message builds on is not here yet."
        case .wrongSender: "The message came from someone else than the one who must send it."
        case .equivocation: "The same member signed two different statements for one place."
        case .parametersDiffer: "The parameters differ from this node's."
        case .expired: "The join has expired."
        case .keyInvalid: "A public key is not one of its group."
        case .rosterSizeInvalid: "The roster has too few or too many members."
        case .rosterOrderInvalid: "The roster's joins are not in ascending order."
        case .joinChanged: "The roster holds another join of this node than the one it sent."
        case .keysNotUnique: "Two members of the roster have the same key."
        case .viewOver: "The view is over or was answered already."
        case .notProposer: "The sender is not the proposer of that view."
        case .dealInvalid: "The deal has another number of commitments than the threshold."
        case .shareInvalid: "A share does not fit the dealer's commitments."
        case .survivorsInvalid: "The survivors are too few, out of order or dealt something else."
        case .setInvalid: "A set names members outside the one it must lie in."
        case .setsOverlap: "Participants and dropped members do not part the survivors."
        case .participantsTooFew: "There are too few participants."
        case .ownerInvalid: "A shard is given to or sent by someone who may not own it."
        case .shardInvalid: "There is no such shard, or it has another length."
        case .hashMismatch: "The words are not the ones whose hash was signed."
        case .survivorsDiffer: "The mask commit is for other survivors."
        case .certificateInvalid: "The commit certificate does not hold."
        case .revealInvalid: "The reveal holds other shares than the certificate asks for."
        case .roundOver: "The round is over for this node."
        case .organisationTooLarge: "One organisation has too many members in the roster."
        }
    }
}
