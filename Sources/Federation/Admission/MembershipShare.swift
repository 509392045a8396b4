/// Certificates and revocations, as members tell them each other.
public struct MembershipShare: Hashable, Sendable {
    /// The bytes that one message holds: well below the frame's bound.
    static let byteCountMax = 40 << 10
    /// The items that one message holds; the smallest ones have some 250 bytes.
    static let countMax = 256

    /// Members' certificates.
    public var certificates: [MembershipChain]
    /// Revocations.
    public var revocations: [SignedRevocation]

    /// Takes what is to be told.
    public init(certificates: [MembershipChain] = [], revocations: [SignedRevocation] = []) {
        self.certificates = certificates
        self.revocations = revocations
    }

    /// Whether it says nothing.
    public var isEmpty: Bool { certificates.isEmpty && revocations.isEmpty }

    /// The same in parts that a message holds each; revocations come first.
    var parts: [MembershipShare] {
        var parts: [MembershipShare] = []
        var part = MembershipShare()
        var byteCount = 0
        func close(for count: Int) {
            let itemCount = part.certificates.count + part.revocations.count
            if byteCount + count > Self.byteCountMax || itemCount >= Self.countMax {
                parts.append(part)
                part = MembershipShare()
                byteCount = 0
            }
            byteCount += count
        }
        for revocation in revocations {
            close(for: revocation.bytes.count + 8)
            part.revocations.append(revocation)
        }
        for certificate in certificates {
            close(for: certificate.bytes.count + 8)
            part.certificates.append(certificate)
        }
        if !part.isEmpty { parts.append(part) }
        return parts
    }
}
