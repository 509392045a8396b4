public import Cryptography

/// The certificates and revocations that a node knows of one federation, and what they come to.
///
/// Nodes that have heard the same of issuers have the same registry, whatever the order: of a node's
/// certificates that are not revoked the one that holds longest counts, and revocations only grow.
/// Only issuers can make it grow.
public struct AdmissionRegistry: Hashable, Sendable {
    /// The federation.
    public let federation: Digest
    /// The issuers of the manifest; `nil` where whoever has the manifest may take part.
    public let issuers: [PublicKey]?
    /// The certificate that counts of each node.
    public private(set) var chains: [PublicKey: MembershipChain] = [:]
    /// The revocations by the certificates that they end.
    public private(set) var revocations: [Digest: SignedRevocation] = [:]
    /// The nodes that hold or held a certificate for an invite, by its key.
    public private(set) var inviteUses: [PublicKey: Set<PublicKey>] = [:]
    /// Counts up with everything that is learnt.
    public private(set) var revision = 0
    /// What two nodes with the same knowledge have in common: BLAKE2b-256 over
    /// `"starling/admission/1\0"`, the ids of the certificates that count and those of the revoked,
    /// each list behind its count and in ascending order.
    public private(set) var digest = Digest.zero

    /// The nodes and the revocations that are remembered at most: as many as a roster has.
    static let countMax = 1024

    /// What was new.
    struct News: Hashable, Sendable {
        var certificates: [MembershipChain] = []
        var revocations: [SignedRevocation] = []
        /// Nodes that have used an invite which others have used up.
        var overused: [MembershipChain] = []

        var isEmpty: Bool { certificates.isEmpty && revocations.isEmpty }
        var share: MembershipShare {
            MembershipShare(certificates: certificates, revocations: revocations)
        }
    }

    /// Starts without any.
    public init(manifest: SignedManifest) {
        federation = manifest.digest
        issuers = manifest.manifest.admission?.issuers
        updateDigest()
    }

    /// Whether whoever has the manifest may take part.
    public var isOpen: Bool { issuers == nil }

    // MARK: Standing

    /// Why a node may not take part at that time, in seconds since 1970; `nil` if it may.
    public func refusal(of node: PublicKey, at now: UInt64) -> MembershipRefusal? {
        guard let issuers, !issuers.contains(node) else { return nil }
        guard let chain = chains[node] else { return .missing }
        if let revocation = revocation(of: chain) {
            return .revoked(
                serial: revocation.chain.leaf.serial, reason: revocation.reason)
        }
        do throws(MembershipRefusal) {
            try chain.verify(at: now)
            return nil
        } catch {
            return error
        }
    }

    /// What a node that takes part may do; nothing for one that may not.
    public func roles(of node: PublicKey, at now: UInt64) -> MemberRoles {
        guard let issuers, !issuers.contains(node) else { return .all }
        guard refusal(of: node, at: now) == nil else { return [] }
        return chains[node]?.leaf.terms.roles ?? []
    }

    /// The node's organisation, empty for none.
    public func organisation(of node: PublicKey) -> String {
        chains[node]?.leaf.terms.organisation ?? ""
    }

    /// The revocation of a certificate or of one that it hangs on.
    public func revocation(of chain: MembershipChain) -> SignedRevocation? {
        for certificate in chain.certificates {
            if let revocation = revocations[certificate.id] { return revocation }
        }
        return nil
    }

    /// The revocation that ends a node's membership, if it has no other certificate by now.
    public func revocation(of node: PublicKey) -> SignedRevocation? {
        guard let chain = chains[node] else { return nil }
        return revocation(of: chain)
    }

    /// Whether that key may issue at that time, and under which certificate; `nil` if it may not.
    public func issuingChain(
        of node: PublicKey, at now: UInt64
    ) -> (chain: MembershipChain?, organisation: String)? {
        guard let issuers else { return nil }
        if issuers.contains(node) { return (nil, "") }
        guard roles(of: node, at: now).contains(.issue), let chain = chains[node],
            chain.certificates.count <= MembershipChain.delegationCountMax
        else { return nil }
        return (chain, chain.leaf.terms.organisation)
    }

    /// The greatest number of members of one organisation in a group of so many: floor((n - 1) / 3),
    /// and 1 in a group of three.
    ///
    /// Source: specs/admission.md, section 2.3.
    public static func organisationMemberCountMax(groupOf count: Int) -> Int {
        max(1, (count - 1) / 3)
    }

    /// All that is known.
    public var share: MembershipShare {
        MembershipShare(
            certificates: chains.keys.sorted().compactMap { chains[$0] },
            revocations: revocations.keys.sorted().compactMap { revocations[$0] })
    }

    // MARK: Learning

    /// Takes in what holds and is new; what does not hold is left out, for the sender may pass on
    /// what others made up.
    mutating func learn(_ share: MembershipShare) -> News {
        var news = News()
        guard issuers != nil else { return news }
        for revocation in share.revocations where learn(revocation) {
            news.revocations.append(revocation)
        }
        for chain in share.certificates where (try? learn(chain)) == true {
            news.certificates.append(chain)
        }
        guard !news.isEmpty else { return news }
        for chain in news.certificates {
            guard let invite = chain.leaf.invite else { continue }
            let uses = inviteUses[invite.key, default: []].union([chain.node])
            inviteUses[invite.key] = uses
            if uses.count > Int(invite.useCountMax) { news.overused.append(chain) }
        }
        revision += 1
        updateDigest()
        return news
    }

    /// Takes a certificate in that a node shows of itself.
    ///
    /// - Throws: why it does not hold, the time apart.
    private mutating func learn(_ chain: MembershipChain) throws(MembershipRefusal) -> Bool {
        guard let issuers else { return false }
        let known = chains[chain.node]
        guard known != chain else { return false }
        try chain.verify(federation: federation, issuers: issuers)
        if let known {
            let (isOver, wasOver) = (revocation(of: chain) != nil, revocation(of: known) != nil)
            guard isOver == wasOver ? chain.isPreferred(to: known) : wasOver else { return false }
        } else if chains.count >= Self.countMax {
            return false
        }
        chains[chain.node] = chain
        return true
    }

    private mutating func learn(_ revocation: SignedRevocation) -> Bool {
        guard let issuers else { return false }
        let known = revocations[revocation.certificateID]
        guard known != revocation else { return false }
        guard known != nil || revocations.count < Self.countMax else { return false }
        // Of two words on one certificate the one with the lesser bytes is kept by everybody.
        if let known, !revocation.bytes.lexicographicallyPrecedes(known.bytes) { return false }
        guard (try? revocation.verify(federation: federation, issuers: issuers)) != nil else {
            return false
        }
        revocations[revocation.certificateID] = revocation
        if chains[revocation.node] == nil, chains.count < Self.countMax {
            chains[revocation.node] = revocation.chain
        }
        return true
    }

    private mutating func updateDigest() {
        var writer = CanonicalWriter(domain: "starling/admission/1")
        for ids in [chains.values.map(\.leaf.id).sorted(), revocations.keys.sorted()] {
            writer.write(count: ids.count)
            for id in ids { writer.write(raw: id.bytes) }
        }
        digest = Hashing.blake2b256(writer.bytes)
    }

    // MARK: Showing

    /// Checks what a node shows of itself when it connects: all of it, with the time.
    ///
    /// - Throws: the first ``MembershipRefusal``.
    public func check(
        _ chain: MembershipChain?, of node: PublicKey, at now: UInt64
    ) throws(MembershipRefusal) {
        guard let issuers, !issuers.contains(node) else { return }
        guard let chain else {
            if let refusal = refusal(of: node, at: now) { throw refusal }
            return
        }
        guard chain.node == node else {
            throw .keyMismatch(certificate: chain.node, connection: node)
        }
        try chain.verify(federation: federation, issuers: issuers)
        if let revocation = revocation(of: chain) {
            throw .revoked(serial: revocation.chain.leaf.serial, reason: revocation.reason)
        }
        try chain.verify(at: now)
    }

    /// Puts back the uses of an invite that were stored.
    mutating func restoreInviteUses(_ nodes: Set<PublicKey>, of invite: PublicKey) {
        inviteUses[invite, default: []].formUnion(nodes)
    }
}
