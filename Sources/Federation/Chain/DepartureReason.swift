/// Why a membership ended.
public enum DepartureReason: Hashable, Sendable {
    /// The member said so; the statement is in the entry.
    case announced(SignedLeave)
    /// The member was silent for so many rounds in a row, which the entries show.
    case silentRounds(Int)
    /// An issuer revoked its certificate; the revocation is in the entry.
    case revoked(SignedRevocation)
}
