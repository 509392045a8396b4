public import Cryptography

/// The questions and answers of the membership stream: what a node may say before it is a member.
public enum MembershipExchange {
    /// The longest question.
    public static let requestByteCountMax = 2048
    /// The longest answer.
    public static let replyByteCountMax = 16 << 10

    /// A question.
    public enum Request: Hashable, Sendable {
        /// The asking node wants a certificate for an invite.
        case redeem(Redemption)
        /// The asking node shows its certificate and wants the manifest; `nil` for an issuer's node.
        case present(MembershipChain?)
    }

    /// An invite that is to be used: the key of the invite signs for the node.
    ///
    /// Signed bytes: `"starling/invite-use/1\0" || manifest digest (32) || node (32) || time (8) ||
    /// nonce (8)`.
    public struct Redemption: Hashable, Sendable {
        /// The invite.
        public let invite: Invite
        /// When the node asked, in seconds since 1970.
        public let timeSeconds: UInt64
        /// Eight random bytes.
        public let nonce: UInt64
        /// The invite key's signature.
        public let signature: [UInt8]

        /// Signs for a node with the invite's secret key.
        public init(
            invite: Invite, inviteKey: SigningKey, node: PublicKey, timeSeconds: UInt64,
            nonce: UInt64
        ) {
            self.invite = invite
            self.timeSeconds = timeSeconds
            self.nonce = nonce
            signature = inviteKey.signature(
                for: Self.statement(
                    federation: invite.federation, node: node, timeSeconds: timeSeconds,
                    nonce: nonce))
        }

        init(invite: Invite, timeSeconds: UInt64, nonce: UInt64, signature: [UInt8]) {
            self.invite = invite
            self.timeSeconds = timeSeconds
            self.nonce = nonce
            self.signature = signature
        }

        private static func statement(
            federation: Digest, node: PublicKey, timeSeconds: UInt64, nonce: UInt64
        ) -> [UInt8] {
            var writer = CanonicalWriter(domain: "starling/invite-use/1")
            writer.write(raw: federation.bytes)
            writer.write(raw: node.bytes)
            writer.write(timeSeconds)
            writer.write(nonce)
            return writer.bytes
        }

        /// Whether the invite's key signed for that node.
        func isSigned(for node: PublicKey) -> Bool {
            invite.key.isValidSignature(
                signature,
                for: Self.statement(
                    federation: invite.federation, node: node, timeSeconds: timeSeconds,
                    nonce: nonce))
        }
    }

    /// An answer.
    public enum Reply: Hashable, Sendable {
        /// The manifest, and for a redeemed invite the certificate.
        case admitted(SignedManifest, MembershipChain?)
        /// Why not; with the revocation where that is why.
        case refused(RejectReason, SignedRevocation?)
    }

    private static let requestDomain: StaticString = "starling/membership-request/1"
    private static let replyDomain: StaticString = "starling/membership-reply/1"

    /// A question as bytes.
    public static func encode(_ request: Request) -> [UInt8] {
        var writer = CanonicalWriter(domain: requestDomain)
        switch request {
        case .redeem(let redemption):
            writer.write(UInt8(1))
            writer.write(prefixed: redemption.invite.bytes)
            writer.write(redemption.timeSeconds)
            writer.write(redemption.nonce)
            writer.write(raw: redemption.signature)
        case .present(let chain):
            writer.write(UInt8(2))
            writer.write(prefixed: chain?.bytes ?? [])
        }
        return writer.bytes
    }

    /// Reads a question.
    ///
    /// - Throws: `CanonicalError` for anything that no node asks.
    public static func request(_ bytes: [UInt8]) throws(CanonicalError) -> Request {
        guard bytes.count <= requestByteCountMax else {
            throw .tooLong(offset: 0, count: bytes.count, allowed: requestByteCountMax)
        }
        var reader = try CanonicalReader(bytes, domain: requestDomain)
        let start = reader.offset
        let request: Request
        switch try reader.read(UInt8.self) {
        case 1:
            let invite = try Invite(bytes: reader.readPrefixed(max: Invite.byteCountMax))
            request = .redeem(
                Redemption(
                    invite: invite, timeSeconds: try reader.read(), nonce: try reader.read(),
                    signature: try reader.readSignature()))
        case 2:
            let chain = try reader.readPrefixed(max: MembershipChain.byteCountMax)
            request = .present(chain.isEmpty ? nil : try MembershipChain(bytes: chain))
        default:
            throw .malformed(offset: start)
        }
        try reader.finish()
        return request
    }

    /// An answer as bytes.
    public static func encode(_ reply: Reply) -> [UInt8] {
        var writer = CanonicalWriter(domain: replyDomain)
        switch reply {
        case .admitted(let manifest, let chain):
            writer.write(UInt16(0))
            writer.write(prefixed: manifest.bytes)
            writer.write(prefixed: chain?.bytes ?? [])
        case .refused(let reason, let revocation):
            writer.write(reason.rawValue)
            writer.write(prefixed: revocation?.bytes ?? [])
        }
        return writer.bytes
    }

    /// Reads an answer.
    ///
    /// - Throws: `CanonicalError`, or `ManifestError` for a manifest that does not hold.
    public static func reply(_ bytes: [UInt8]) throws -> Reply {
        var reader = try CanonicalReader(bytes, domain: replyDomain)
        let start = reader.offset
        let code = try reader.read(UInt16.self)
        if code == 0 {
            let manifest = try SignedManifest(
                bytes: reader.readPrefixed(
                    max: Manifest.byteCountMax + PublicKey.signatureByteCount))
            let chain = try reader.readPrefixed(max: MembershipChain.byteCountMax)
            try reader.finish()
            return .admitted(manifest, chain.isEmpty ? nil : try MembershipChain(bytes: chain))
        }
        guard let reason = RejectReason(rawValue: code) else {
            throw CanonicalError.malformed(offset: start)
        }
        let revocation = try reader.readPrefixed(max: SignedRevocation.byteCountMax)
        try reader.finish()
        return .refused(
            reason, revocation.isEmpty ? nil : try SignedRevocation(bytes: revocation))
    }
}
