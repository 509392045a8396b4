internal import Cryptography

@testable internal import Federation

/// What is said on the membership stream, with the certificates, invites and revocations in it.
enum MembershipDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        let federation = SampleFederation.manifest.digest
        let issuer = SampleFederation.keys[0]
        let terms = MembershipCertificate.Terms(
            roles: .all, organisation: "north", notBefore: 1_700_000_000,
            notAfter: 1_702_592_000)
        let delegate = MembershipChain(
            MembershipCertificate(
                federation: federation, node: SampleFederation.keys[1].publicKey, terms: terms,
                signer: issuer))
        let chain = MembershipChain(
            MembershipCertificate(
                federation: federation, node: SampleFederation.keys[2].publicKey, terms: terms,
                invite: .init(key: Samples.key(9).publicKey, useCountMax: 1),
                signer: SampleFederation.keys[1]),
            issuedUnder: delegate)
        let revocation = SignedRevocation(
            revoking: chain, timeSeconds: 1_700_000_100, reason: "gone", signer: issuer)
        guard
            let invite = Invite(
                federation: federation, key: Samples.key(9).publicKey, notAfter: 1_700_086_400,
                signer: issuer)
        else { preconditionFailure("an invite within its ranges was refused") }
        let redemption = MembershipExchange.Redemption(
            invite: invite, inviteKey: Samples.key(9), node: SampleFederation.keys[2].publicKey,
            timeSeconds: 1_700_000_000, nonce: 7)
        return [
            chain.leaf.bytes, chain.bytes, revocation.bytes, invite.bytes,
            MembershipExchange.encode(.redeem(redemption)),
            MembershipExchange.encode(.present(chain)),
            MembershipExchange.encode(.admitted(SampleFederation.manifest, chain)),
            MembershipExchange.encode(.refused(.membershipRevoked, revocation)),
        ]
    }

    static func read(_ input: [UInt8]) {
        if let request = try? MembershipExchange.request(input) {
            precondition(MembershipExchange.encode(request) == input, "a question has two forms")
        }
        if let reply = try? MembershipExchange.reply(input) {
            precondition(MembershipExchange.encode(reply) == input, "an answer has two forms")
        }
        if let chain = try? MembershipChain(bytes: input) {
            precondition(chain.bytes == input, "a chain has two forms")
        }
        if let certificate = try? MembershipCertificate(bytes: input) {
            precondition(certificate.bytes == input, "a certificate has two forms")
        }
        if let revocation = try? SignedRevocation(bytes: input) {
            precondition(revocation.bytes == input, "a revocation has two forms")
        }
        if let invite = try? Invite(bytes: input) {
            precondition(invite.bytes == input, "an invite has two forms")
        }
    }
}
