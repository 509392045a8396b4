/// What a node brings to the admission of members.
public struct AdmissionSetup: Sendable {
    /// The node's own certificate; `nil` for an issuer and in an open federation.
    public let membership: MembershipChain?
    /// Seconds since 1970 at the time zero of the instance's clock.
    public let zeroSeconds: UInt64

    /// Takes the parts.
    public init(membership: MembershipChain? = nil, zeroSeconds: UInt64) {
        self.membership = membership
        self.zeroSeconds = zeroSeconds
    }
}
