public import Cryptography

/// Why a membership is not accepted.
public enum MembershipRefusal: Error, Hashable, Sendable {
    /// The node showed no certificate, and none is known of it.
    case missing
    /// The certificate is of another federation.
    case wrongFederation(expected: Digest, actual: Digest)
    /// The certificate is another node's than the connection's.
    case keyMismatch(certificate: PublicKey, connection: PublicKey)
    /// The certificate holds from a later time on; seconds since 1970.
    case notYetValid(serial: UInt64, notBefore: UInt64, now: UInt64)
    /// The certificate's time is over; seconds since 1970.
    case expired(serial: UInt64, notAfter: UInt64, now: UInt64)
    /// An issuer has revoked it, or a delegation that it hangs on.
    case revoked(serial: UInt64, reason: String)
    /// The last certificate is signed by a key that the manifest doesn't name, or one is not signed
    /// by the holder of the next.
    case unknownIssuer(PublicKey)
    /// More delegations lie between the member and an issuer of the manifest than may.
    case delegationTooDeep(count: Int, allowed: Int)
    /// A signature is not the named issuer's.
    case signatureInvalid(serial: UInt64)
    /// A certificate lacks a right that it would have to give.
    case roleMissing(serial: UInt64, MemberRoles)
    /// A delegate of one organisation gave a certificate for another.
    case organisationForeign(serial: UInt64, issuer: String)

    /// The number that goes over the wire.
    public var reason: RejectReason {
        switch self {
        case .missing: .membershipMissing
        case .wrongFederation: .membershipOfOtherFederation
        case .keyMismatch: .membershipOfOtherKey
        case .notYetValid: .membershipNotYetValid
        case .expired: .membershipExpired
        case .revoked: .membershipRevoked
        case .unknownIssuer, .organisationForeign: .membershipIssuerUnknown
        case .delegationTooDeep: .membershipDelegatedTooDeep
        case .signatureInvalid: .signatureInvalid
        case .roleMissing: .membershipRoleMissing
        }
    }
}
