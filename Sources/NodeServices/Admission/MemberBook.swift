internal import Cryptography
public import Federation
public import Foundation
public import LibP2P
internal import Storage

/// What a home knows of a federation's members, for a person to read and change.
///
/// It signs with the home's identity, beside a running node or without one; what it issues goes into
/// the home's folder for them, and from there to every member while the node runs.
public struct MemberBook: Sendable {
    let home: NodeHome
    private let clock: ServiceClock

    /// Names a home.
    public init(home: NodeHome, clock: ServiceClock = .system) {
        self.home = home
        self.clock = clock
    }

    /// This node's peer id; the identity is made where there is none.
    ///
    /// - Throws: ``NodeError`` with code `storage` or `invalidInput`.
    public func ownPeerID() throws(NodeError) -> PeerID {
        try home.create()
        return PeerID(
            publicKey: try IdentityFile.loadOrCreate(at: home.identityFile).publicKey)
    }

    /// What a person decides about a new member.
    public struct Terms: Sendable {
        /// The rights.
        public var roles: MemberRoles = [.train, .witness]
        /// The organisation; empty for none.
        public var organisation = ""
        /// How long certificates hold, in days.
        public var dayCount = MembershipCertificate.standardDayCount

        /// The defaults.
        public init() {}
    }

    /// What a home has at hand.
    struct Contents {
        let identity: SigningKey
        let manifest: SignedManifest
        let chain: ChainState
        let registry: AdmissionRegistry
        let now: UInt64

        var own: PublicKey { identity.publicKey }
        var issuers: [PublicKey] { registry.issuers ?? [] }
    }

    func contents() async throws(NodeError) -> Contents {
        let store = try NodeStore(home: home, access: .readOnly)
        let status = try await NodeStatus.read(home: home, store: store)
        let manifest = status.manifest
        guard manifest.manifest.admission != nil else {
            throw NodeError(
                .invalidInput,
                "The federation '\(manifest.manifest.name)' is open: whoever has the manifest may "
                    + "take part. 'starling init --admission members' makes one that isn't.")
        }
        var registry = try await store.admissionRegistry(manifest: manifest)
        if let own = try MembershipFile.certificate(at: home.membershipFile) {
            registry.take(MembershipShare(certificates: [own]))
        }
        registry.take(MembershipFile.read(folder: home.admission).share)
        return Contents(
            identity: try IdentityFile.load(at: home.identityFile), manifest: manifest,
            chain: status.chain, registry: registry, now: clock.unixMilliseconds() / 1000)
    }

    private func issuing(
        _ contents: Contents, organisation: String
    ) throws(NodeError) -> MembershipChain? {
        guard let right = contents.registry.issuingChain(of: contents.own, at: contents.now) else {
            throw NodeError(
                .refused,
                "This node may not issue: its key is neither in the manifest nor in a valid "
                    + "certificate with the right 'issue'.")
        }
        guard right.organisation.isEmpty || right.organisation == organisation else {
            throw NodeError(
                .refused, "This node may issue for the organisation '\(right.organisation)' only.")
        }
        return right.chain
    }

    private static func check(_ terms: Terms) throws(NodeError) {
        guard (1...Invite.dayCountMax).contains(terms.dayCount) else {
            throw NodeError(
                .invalidInput, "\(terms.dayCount) days; give 1 to \(Invite.dayCountMax).")
        }
        let byteCountMax = MembershipCertificate.organisationByteCountMax
        guard terms.organisation.utf8.count <= byteCountMax else {
            throw NodeError(
                .invalidInput, "The organisation has more than \(byteCountMax) bytes.")
        }
        guard !terms.roles.isEmpty else { throw NodeError(.invalidInput, "There is no role.") }
    }

    // MARK: Inviting

    /// An invite that was made.
    public struct Invitation: Sendable {
        /// The word for the joiner.
        public let code: InviteCode
        /// Where a running node of this home can be reached; empty if none runs.
        public let joinLines: [String]
    }

    /// Makes an invite.
    ///
    /// - Throws: ``NodeError``: `refused` for a node that may not issue, `invalidInput`.
    public func invite(
        terms: Terms, useCountMax: Int, hourCount: Int
    ) async throws(NodeError) -> Invitation {
        try Self.check(terms)
        guard (1...1000).contains(useCountMax), (1...24 * Invite.dayCountMax).contains(hourCount)
        else {
            throw NodeError(
                .invalidInput,
                "\(useCountMax) uses within \(hourCount) hours; give 1 to 1000 uses and up to "
                    + "\(Invite.dayCountMax) days.")
        }
        let contents = try await contents()
        _ = try issuing(contents, organisation: terms.organisation)
        let key = SigningKey.generate()
        guard
            let invite = Invite(
                federation: contents.manifest.digest, key: key.publicKey,
                notAfter: contents.now + UInt64(hourCount) * 3600,
                useCountMax: UInt16(useCountMax), roles: terms.roles,
                organisation: terms.organisation, dayCount: terms.dayCount,
                signer: contents.identity)
        else { throw NodeError(.invalidInput, "These terms make no invite.") }
        let live = NetworkSnapshot.read(home.networkFile)
        return Invitation(
            code: InviteCode(invite: invite, key: key), joinLines: live?.told ?? [])
    }

    /// Makes a certificate for a node and leaves it in the home as well.
    ///
    /// - Throws: ``NodeError``: `refused` for a node that may not issue, `invalidInput`, `storage`.
    public func admit(
        _ peer: PeerID, terms: Terms, into file: URL
    ) async throws(NodeError) -> MembershipChain {
        try Self.check(terms)
        guard let node = peer.publicKey else {
            throw NodeError(.invalidInput, "The peer \(peer) has no Ed25519 key.")
        }
        let contents = try await contents()
        let issuer = try issuing(contents, organisation: terms.organisation)
        let skew = MembershipCertificate.clockSkewSeconds
        let certificate = MembershipCertificate(
            federation: contents.manifest.digest, node: node,
            terms: MembershipCertificate.Terms(
                roles: terms.roles, organisation: terms.organisation,
                notBefore: contents.now - min(contents.now, skew),
                notAfter: contents.now + UInt64(terms.dayCount) * 86_400),
            signer: contents.identity)
        let chain = MembershipChain(certificate, issuedUnder: issuer)
        try MembershipFile.write(chain.bytes, to: file)
        try MembershipFile.leave(MembershipShare(certificates: [chain]), in: home.admission)
        return chain
    }
}
