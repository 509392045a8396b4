public import Cryptography

/// A decided proposal with its outcome and the signatures that prove both.
///
/// Two nodes may hold different signatures for the same entry; its ``digest`` covers the result
/// statement only, which names the proposal, and so is the same everywhere.
public struct CertifiedEntry: Hashable, Sendable {
    /// What was decided.
    public let proposal: Proposal
    /// The quorum of commits that decided it.
    public let commits: CommitCertificate
    /// What it came to.
    public let result: ResultStatement
    /// The quorum of signatures over ``ResultStatement/bytes``, in ascending order of members.
    public let signatures: [MemberSignature]

    /// The digest that the next proposal names as its predecessor.
    public var digest: Digest { Hashing.blake2b256(result.bytes) }

    /// The height.
    public var height: UInt64 { proposal.height }

    static let domain: StaticString = "starling/entry/1"
    /// A proposal, 2 x 64 signatures of 96 bytes, and the digests: below a frame's bound.
    static let byteCountMax = 46 * 1024

    /// How the entry is stored and sent.
    public var bytes: [UInt8] {
        var writer = CanonicalWriter(domain: Self.domain)
        writer.write(prefixed: proposal.canonicalBytes)
        writer.write(commits.view)
        writer.write(commits.signatures)
        writer.write(raw: result.sumDigest.bytes)
        writer.write(raw: result.adapterDigest.bytes)
        writer.write(raw: result.membersDigest.bytes)
        writer.write(signatures)
        return writer.bytes
    }

    init(
        proposal: Proposal, commits: CommitCertificate, result: ResultStatement,
        signatures: [MemberSignature]
    ) {
        self.proposal = proposal
        self.commits = commits
        self.result = result
        self.signatures = signatures
    }

    /// Reads ``bytes``; what the entry claims is checked by ``ChainState``.
    public init(bytes: [UInt8]) throws(CanonicalError) {
        guard bytes.count <= Self.byteCountMax else {
            throw .tooLong(offset: 0, count: bytes.count, allowed: Self.byteCountMax)
        }
        var reader = try CanonicalReader(bytes, domain: Self.domain)
        let proposalBytes = try reader.readPrefixed(max: Proposal.byteCountMax)
        proposal = try Proposal(canonicalBytes: proposalBytes)
        commits = CommitCertificate(
            view: try reader.read(), signatures: try reader.readSignatures())
        result = ResultStatement(
            manifestDigest: proposal.manifestDigest, height: proposal.height,
            round: proposal.round, previousDigest: proposal.previousDigest,
            proposalDigest: Hashing.blake2b256(proposalBytes),
            sumDigest: try reader.readDigest(), adapterDigest: try reader.readDigest(),
            membersDigest: try reader.readDigest())
        signatures = try reader.readSignatures()
        try reader.finish()
    }
}

extension CanonicalWriter {
    mutating func write(_ signatures: [MemberSignature]) {
        write(count: signatures.count)
        for item in signatures {
            write(raw: item.member.bytes)
            write(raw: item.signature)
        }
    }
}

extension CanonicalReader {
    mutating func readSignatures() throws(CanonicalError) -> [MemberSignature] {
        var items: [MemberSignature] = []
        let itemByteCount = PublicKey.byteCount + PublicKey.signatureByteCount
        for _ in 0..<(try readCount(max: Manifest.memberCountMax, itemByteCount: itemByteCount)) {
            items.append(
                MemberSignature(member: try readKey(), signature: try readSignature()))
        }
        return items
    }
}
