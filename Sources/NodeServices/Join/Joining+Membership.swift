internal import Cryptography
internal import Federation
internal import Foundation
internal import LibP2P
internal import Transports

/// The way into a federation that admits members only.
extension Joining {
    /// This node's certificate: that of the options, which is then kept in the home, or the home's.
    ///
    /// - Throws: ``NodeError``: `invalidInput` for another node's certificate, `notFound`, `storage`.
    func membership() throws(NodeError) -> MembershipChain? {
        var chain = try MembershipFile.certificate(at: options.home.membershipFile)
        if let path = options.certificatePath {
            guard let given = try MembershipFile.certificate(at: URL(fileURLWithPath: path)) else {
                throw NodeError(.notFound, "There is no certificate at \(path).")
            }
            chain = given
        }
        guard let chain else { return nil }
        guard chain.node == identity.publicKey else {
            throw NodeError(
                .invalidInput,
                """
                The certificate is for the peer \(PeerID(publicKey: chain.node)); this node is \
                \(PeerID(publicKey: identity.publicKey)).
                """)
        }
        if options.certificatePath != nil {
            try MembershipFile.write(chain.bytes, to: options.home.membershipFile)
        }
        return chain
    }

    /// The certificate that counts: a node may have got more time while it ran.
    private func newestMembership() async throws(NodeError) -> MembershipChain? {
        let held = try membership()
        guard let manifest = try await store.manifest(), manifest.manifest.admission != nil else {
            return held
        }
        var registry = try await store.admissionRegistry(manifest: manifest)
        if let held { registry.take(MembershipShare(certificates: [held])) }
        return registry.chains[identity.publicKey] ?? held
    }

    /// The manifest by way of an invite or a certificate; nil where nothing says that it needs one.
    ///
    /// A certificate for the same invite that is in the home already is used again.
    ///
    /// - Throws: ``NodeError``: `refused` with the member's reason, `network`, `invalidInput`.
    func manifestAsMember(at address: Multiaddr) async throws(NodeError) -> SignedManifest? {
        let own = identity.publicKey
        let held = try await newestMembership()
        if let invite = options.invite, held?.leaf.invite?.key != invite.invite.key {
            let swarm = try factory.joiningSwarm()
            return try await using(swarm, dialling: address) {
                (peer) throws(NodeError) in
                let client = MembershipClient(streams: swarm, own: own)
                let (manifest, chain) = try await client.redeem(invite, at: peer)
                try MembershipFile.write(chain.bytes, to: options.home.membershipFile)
                return manifest
            }
        }
        if held == nil, try await store.manifest()?.manifest.admission == nil { return nil }
        return try await manifest(showing: held, at: address)
    }

    /// The manifest of a member that this node shows its certificate, or as an issuer none.
    ///
    /// - Throws: ``NodeError``: `refused` with the member's reason, `network`.
    func manifest(
        showing chain: MembershipChain?, at address: Multiaddr
    ) async throws(NodeError) -> SignedManifest {
        let swarm = try factory.joiningSwarm()
        return try await using(swarm, dialling: address) { (peer) throws(NodeError) in
            try await MembershipClient(streams: swarm, own: identity.publicKey)
                .present(chain, to: peer)
        }
    }

    /// Shows the certificate, where there is one, on a connection that objects are fetched on.
    func introduce(_ swarm: Swarm, to peer: PeerID) async throws(NodeError) {
        guard let held = try await newestMembership() else { return }
        _ = try await MembershipClient(streams: swarm, own: identity.publicKey)
            .present(held, to: peer)
    }
}
