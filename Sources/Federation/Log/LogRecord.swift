public import Cryptography

/// Something that the gossip log is to hold for ever.
///
/// ``payload`` is the record in a fixed layout, ``evidence`` the raw signed bytes that prove it.
public enum LogRecord: Hashable, Sendable {
    /// A certified entry made the member one from that height on.
    case joined(member: PublicKey, height: UInt64)
    /// A certified entry ended the membership.
    case departed(member: PublicKey, height: UInt64, reason: DepartureReason)
    /// A member announced an update; the evidence is the signed announcement.
    case updateAnnounced(SignedAnnouncement)
    /// The update's bytes are here and passed every check.
    case updateReceived(UpdateSummary)
    /// An update was refused.
    case updateRefused(UpdateSummary, RejectReason)
    /// An update came after its round was certified without it.
    case updateLate(SignedAnnouncement)
    /// This node summed the participants and signed that result.
    case aggregated(ResultStatement)
    /// A round or membership entry was certified; the evidence is the entry.
    case certified(CertifiedEntry)
    /// A member signed two statements where only one is allowed; both are the evidence.
    case equivocation(Equivocation)
    /// A peer was refused.
    case peerRefused(member: PublicKey, RejectReason)
    /// This node averaged states; the evidence is the announcements of those that arrived.
    case mixed(MixRecord)
    /// A member's own log has two histories; the evidence proves it.
    case logFork(member: PublicKey, evidence: [UInt8])
    /// This node learnt of a certificate, which is the evidence.
    case admitted(MembershipChain)
    /// This node learnt of a revocation, which is the evidence.
    case revoked(SignedRevocation)
    /// More nodes have a certificate for an invite than it is good for; theirs are on record too.
    case inviteOverused(invite: PublicKey, node: PublicKey, count: Int)

    /// A member's own signatures in a secure round convict it; they are the evidence.
    case secureConviction(SecureEvidence, round: UInt64)
    /// This node opened the sum of a secure round; the object holds what it was opened from.
    case secureSumOpened(round: UInt64, totalDigest: Digest, transcript: ObjectID)

    /// The number of a record about a forked log.
    public static let logForkKind: UInt16 = 20

    /// The stable number of the record's kind.
    public var kind: UInt16 {
        switch self {
        case .joined: 1
        case .departed: 2
        case .updateAnnounced: 3
        case .updateReceived: 4
        case .updateRefused: 5
        case .updateLate: 6
        case .aggregated: 7
        case .certified: 8
        case .equivocation: 9
        case .peerRefused: 10
        case .mixed: 11
        case .logFork: Self.logForkKind
        case .secureConviction: 21
        case .secureSumOpened: 22
        case .admitted: 24
        case .revoked: 25
        case .inviteOverused: 26
        }
    }
}
