public import Cryptography

/// Equal signatures of at least a threshold of members over one round's outcome.
///
/// The signed ``ResultStatement`` names manifest, round, sum and adapter, and by the digest of the
/// proposal the participation statement: who took part with which weight, who did not and why.
/// Whether the sum is one of updates that everybody saw or of masked ones makes no difference here.
public struct RoundCertificate: Hashable, Sendable {
    /// The participation statement: participants with their weights, absences with their reasons.
    public let participation: Proposal
    /// What was signed.
    public let statement: ResultStatement
    /// The signatures that it takes.
    public let threshold: Int
    /// The signatures in ascending order of the members.
    public let signatures: [MemberSignature]

    /// Takes the parts; ``verify(manifest:members:)`` checks them.
    public init(
        participation: Proposal, statement: ResultStatement, threshold: Int,
        signatures: [MemberSignature]
    ) {
        self.participation = participation
        self.statement = statement
        self.threshold = threshold
        self.signatures = signatures
    }

    /// The certificate of an entry that follows this state.
    public init(_ entry: CertifiedEntry, after chain: ChainState) {
        self.init(
            participation: entry.proposal, statement: entry.result,
            threshold: chain.resultQuorum(of: entry.proposal.secure),
            signatures: entry.signatures)
    }

    /// Why a certificate proves nothing.
    public enum Failure: Error, Hashable, Sendable {
        /// It is of another federation.
        case manifest(Digest)
        /// It is of no round.
        case notARound
        /// The participation statement is not the one that was signed.
        case participation(signed: Digest, computed: Digest)
        /// Fewer signatures than the threshold.
        case tooFewSignatures(count: Int, threshold: Int)
        /// A signer is twice there, or the order is another.
        case signersNotAscending
        /// A signer is no member.
        case notMember(PublicKey)
        /// A signature does not fit the statement.
        case signature(PublicKey)
    }

    /// Checks that enough of these members signed this very outcome under that manifest.
    ///
    /// - Throws: the first reason for which it proves nothing.
    /// - Complexity: a check of each signature.
    public func verify(manifest: Digest, members: [PublicKey]) throws(Failure) {
        guard statement.manifestDigest == manifest else {
            throw .manifest(statement.manifestDigest)
        }
        guard statement.round > 0, statement.round == participation.round,
            statement.height == participation.height
        else { throw .notARound }
        let computed = participation.digest
        guard computed == statement.proposalDigest else {
            throw .participation(signed: statement.proposalDigest, computed: computed)
        }
        guard signatures.count >= threshold, threshold > 0 else {
            throw .tooFewSignatures(count: signatures.count, threshold: threshold)
        }
        guard ChainState.isAscending(signatures.map(\.member)) else {
            throw .signersNotAscending
        }
        let bytes = statement.bytes
        for item in signatures {
            guard members.contains(item.member) else { throw .notMember(item.member) }
            guard item.member.isValidSignature(item.signature, for: bytes) else {
                throw .signature(item.member)
            }
        }
    }
}
