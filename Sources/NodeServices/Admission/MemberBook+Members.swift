internal import Cryptography
public import Federation
internal import Foundation
public import LibP2P

/// Listing and revoking.
extension MemberBook {
    /// A node of the list.
    public struct Member: Sendable {
        /// The node.
        public let peer: PeerID
        /// Its certificate; nil for an issuer of the manifest.
        public let chain: MembershipChain?
        /// Whether the manifest names it as an issuer.
        public let isIssuer: Bool
        /// Whether the newest certified entry has it as a member.
        public let isMember: Bool
        /// Why it may not take part; nil if it may.
        public let refusal: MembershipRefusal?
        /// The revocation, where there is one.
        public let revocation: SignedRevocation?
    }

    /// The issuers of the manifest and every node that has or had a certificate, ascending.
    ///
    /// - Throws: ``NodeError``: `notFound` for a home without a federation, `invalidInput` for one
    ///   that is open.
    public func members() async throws(NodeError) -> [Member] {
        let contents = try await contents()
        let registry = contents.registry
        let nodes = Set(contents.issuers + contents.chain.members).union(registry.chains.keys)
        return nodes.sorted().map { node in
            Member(
                peer: PeerID(publicKey: node), chain: registry.chains[node],
                isIssuer: contents.issuers.contains(node),
                isMember: contents.chain.isMember(node),
                refusal: registry.refusal(of: node, at: contents.now),
                revocation: registry.revocation(of: node))
        }
    }

    /// Revokes a node's certificate, or the one with that serial, and all that hang on it and are
    /// known here.
    ///
    /// - Throws: ``NodeError``: `notFound` when no such certificate is known, `refused` for a node
    ///   that did not issue it, `invalidInput`, `storage`.
    public func revoke(
        _ subject: String, reason: String
    ) async throws(NodeError) -> [SignedRevocation] {
        guard reason.utf8.count <= SignedRevocation.reasonByteCountMax else {
            throw NodeError(
                .invalidInput,
                "The reason has more than \(SignedRevocation.reasonByteCountMax) bytes.")
        }
        let contents = try await contents()
        let registry = contents.registry
        let node = PeerID(text: subject)?.publicKey
        if let node, contents.issuers.contains(node) {
            throw NodeError(
                .refused, "\(subject) is an issuer of the manifest, which stays as it is.")
        }
        let found = registry.chains.values.first {
            $0.node == node || $0.leaf.serialText == subject.lowercased()
        }
        guard let found else {
            throw NodeError(
                .notFound,
                "No certificate of '\(subject)' is known; 'starling members list' shows them.")
        }
        let ended = registry.chains.values
            .filter { $0.certificates.contains { $0.id == found.leaf.id } }
            .filter { registry.revocations[$0.leaf.id] == nil }
            .sorted { $0.node < $1.node }
        for chain in ended {
            guard
                contents.issuers.contains(contents.own)
                    || chain.certificates.contains(where: { $0.issuer == contents.own })
            else {
                throw NodeError(
                    .refused, "This node has not issued that certificate and may not revoke it.")
            }
        }
        let revocations = ended.map {
            SignedRevocation(
                revoking: $0, timeSeconds: contents.now, reason: reason,
                signer: contents.identity)
        }
        try MembershipFile.leave(
            MembershipShare(revocations: revocations), in: home.admission)
        return revocations
    }
}
