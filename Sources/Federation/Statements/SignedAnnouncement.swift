internal import Cryptography

/// A member's word that an update object of its own exists.
///
/// One per member and round.
///
/// Signed bytes: `"starling/update-announcement/1\0" || manifest digest (32) || round (8) ||
/// base adapter (32) || member (32) || object id (32) || examples (4) || byte count (8)`.
public struct SignedAnnouncement: Hashable, Sendable {
    /// What is announced.
    public let summary: UpdateSummary
    /// The member's signature.
    public let signature: [UInt8]

    static let domain: StaticString = "starling/update-announcement/1"

    static func statement(manifest: Digest, summary: UpdateSummary) -> [UInt8] {
        var writer = CanonicalWriter(domain: domain)
        writer.write(raw: manifest.bytes)
        writer.write(summary.round)
        writer.write(raw: summary.baseAdapterDigest.bytes)
        writer.write(raw: summary.member.bytes)
        writer.write(raw: summary.objectID.bytes)
        writer.write(count: summary.exampleCount)
        writer.write(UInt64(summary.byteCount))
        return writer.bytes
    }

    init(summary: UpdateSummary, signature: [UInt8]) {
        self.summary = summary
        self.signature = signature
    }

    init(manifest: Digest, summary: UpdateSummary, signer: some MessageSigner) {
        self.summary = summary
        signature = signer.signature(
            for: Self.statement(manifest: manifest, summary: summary))
    }

    func isValid(manifest: Digest) -> Bool {
        summary.member.isValidSignature(
            signature, for: Self.statement(manifest: manifest, summary: summary))
    }
}
