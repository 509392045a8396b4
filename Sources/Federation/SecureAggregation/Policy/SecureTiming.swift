/// The local deadlines of a secure round, in seconds.
///
/// Only signatures create agreement: members with other clocks lose a round at worst.
public struct SecureTiming: Hashable, Sendable {
    /// For the joins of all candidates: ten seconds cover a slow dial.
    public var joinSeconds = 10.0
    /// For each step before the data: small messages, hidden behind training.
    public var stepSeconds = 5.0
    /// Before the next proposer takes over from a silent one.
    public var fallbackSeconds = 2.0
    /// From the start of the round until every contribution should be there.
    public var contributionSeconds = 0.0
    /// For one pass of the data, masked or summed; at least three times what the link needs.
    public var dataSeconds = 10.0
    /// For commits, and again for reveals.
    public var signatureSeconds = 5.0
    /// For a certificate after the contributions are due; then the round is lost.
    public var certificateSeconds = 90.0
    /// Between two heartbeats; a message that was lost is made good after about one.
    public var statusSeconds = 1.0
    /// A member that was not heard for so long is not counted on: three lost heartbeats.
    public var silenceSeconds = 3.5

    /// Takes the defaults of the specification.
    public init() {}
}
