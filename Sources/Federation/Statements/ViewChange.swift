internal import Cryptography

/// A member's promise to commit in no view below `view` at that height any more, with the
/// highest view in which it has committed and to what.
///
/// Signed bytes: `"starling/view-change/1\0" || manifest digest (32) || height (8) || view (8) ||
/// 1 if it has committed, else 0 (1) || committed view (8) || committed proposal (32)`; the last
/// two are zero if it has not.
struct ViewChange: Hashable, Sendable {
    /// What a member has committed to.
    struct Committed: Hashable, Sendable {
        let view: UInt64
        let proposalDigest: Digest
    }

    let height: UInt64
    let view: UInt64
    let member: PublicKey
    let committed: Committed?
    let signature: [UInt8]

    static func statement(
        manifest: Digest, height: UInt64, view: UInt64, committed: Committed?
    ) -> [UInt8] {
        var writer = CanonicalWriter(domain: "starling/view-change/1")
        writer.write(raw: manifest.bytes)
        writer.write(height)
        writer.write(view)
        writer.write(UInt8(committed == nil ? 0 : 1))
        writer.write(committed?.view ?? 0)
        writer.write(raw: (committed?.proposalDigest ?? .zero).bytes)
        return writer.bytes
    }

    func isValid(manifest: Digest) -> Bool {
        let statement = Self.statement(
            manifest: manifest, height: height, view: view, committed: committed)
        return member.isValidSignature(signature, for: statement)
    }
}
