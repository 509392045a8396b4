internal import Cryptography

/// What a proposer and the members that follow it sign: one proposal at one height and view.
///
/// Signed bytes: domain || manifest digest (32) || height (8) || view (8) || proposal (32), with
/// the domain `"starling/propose/1\0"` or `"starling/commit/1\0"`.
struct Ballot: Hashable, Sendable {
    let height: UInt64
    let view: UInt64
    let proposalDigest: Digest

    func proposeStatement(manifest: Digest) -> [UInt8] {
        statement(domain: "starling/propose/1", manifest: manifest)
    }

    func commitStatement(manifest: Digest) -> [UInt8] {
        statement(domain: "starling/commit/1", manifest: manifest)
    }

    private func statement(domain: StaticString, manifest: Digest) -> [UInt8] {
        var writer = CanonicalWriter(domain: domain)
        writer.write(raw: manifest.bytes)
        writer.write(height)
        writer.write(view)
        writer.write(raw: proposalDigest.bytes)
        return writer.bytes
    }
}
