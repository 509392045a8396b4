internal import Cryptography
internal import Federation
internal import Foundation
internal import LibP2P
internal import Transports

/// Asks a member on the membership stream.
struct MembershipClient: Sendable {
    let streams: any StreamOpener
    let own: PublicKey
    var clock = ServiceClock.system

    /// How long a member may take to answer.
    private static let deadline = Duration.seconds(20)

    /// Shows a certificate; nil where this node is an issuer's.
    ///
    /// - Returns: the manifest.
    /// - Throws: ``NodeError``: `refused` with the member's reason, `network`.
    func present(
        _ chain: MembershipChain?, to peer: PeerID
    ) async throws(NodeError) -> SignedManifest {
        try await ask(.present(chain), of: peer).manifest
    }

    /// Uses an invite.
    ///
    /// - Returns: the manifest, and the certificate, which has been checked against it.
    /// - Throws: ``NodeError``: `refused` with the member's reason, `network`.
    func redeem(
        _ code: InviteCode, at peer: PeerID
    ) async throws(NodeError) -> (manifest: SignedManifest, chain: MembershipChain) {
        let redemption = MembershipExchange.Redemption(
            invite: code.invite, inviteKey: code.key, node: own,
            timeSeconds: clock.unixMilliseconds() / 1000, nonce: SystemRandom.uint64())
        let (manifest, chain) = try await ask(.redeem(redemption), of: peer)
        guard let chain, chain.node == own, manifest.digest == code.invite.federation,
            let issuers = manifest.manifest.admission?.issuers
        else { throw NodeError(.refused, "The peer \(peer) gave another node's certificate.") }
        do {
            try chain.verify(federation: manifest.digest, issuers: issuers)
        } catch {
            throw NodeError(
                .refused, "The certificate that the peer \(peer) gave doesn't hold.", cause: error)
        }
        return (manifest, chain)
    }

    private func ask(
        _ request: MembershipExchange.Request, of peer: PeerID
    ) async throws(NodeError) -> (manifest: SignedManifest, chain: MembershipChain?) {
        let answer: [UInt8]?
        do {
            let stream = try await streams.openMessageStream(
                to: peer, protocol: MembershipService.protocolID)
            let watch = Task {
                try? await Task.sleep(for: Self.deadline)
                if !Task.isCancelled { stream.reset() }
            }
            defer { watch.cancel() }
            try await stream.writeLengthPrefixed(MembershipExchange.encode(request))
            answer = try await stream.readLengthPrefixed(
                maxByteCount: MembershipExchange.replyByteCountMax)
            await stream.closeWrite()
        } catch {
            throw NodeError(
                .network, "The peer \(peer) doesn't answer about memberships.", cause: error)
        }
        let reply: MembershipExchange.Reply
        do {
            reply = try MembershipExchange.reply(answer ?? [])
        } catch {
            throw NodeError(
                .refused, "The answer of peer \(peer) can't be read.", cause: error)
        }
        switch reply {
        case .admitted(let manifest, let chain): return (manifest, chain)
        case .refused(let reason, let revocation):
            throw NodeError(
                .refused,
                "The peer \(peer) doesn't admit this node: \(reason.sentence)"
                    + (revocation.map { " The issuer says: \($0.reason)" } ?? ""))
        }
    }
}
