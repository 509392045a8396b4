public import Cryptography

/// A manifest with its author's signature over domain and digest.
public struct SignedManifest: Hashable, Sendable {
    /// The settings.
    public let manifest: Manifest
    /// The author's Ed25519 signature over `"starling/manifest-signature/1\0" || digest`.
    public let signature: [UInt8]
    /// The digest of the manifest, computed once.
    public let digest: Digest

    private static let signatureDomain: StaticString = "starling/manifest-signature/1"

    /// Signs a manifest whose author is the signer.
    ///
    /// - Throws: `ManifestError.signatureInvalid` if the author is another key.
    public init(
        signing manifest: Manifest, with signer: some MessageSigner
    ) throws(ManifestError) {
        let digest = manifest.digest
        try self.init(
            manifest: manifest, signature: signer.signature(for: Self.statement(digest)))
    }

    /// Checks the signature.
    ///
    /// - Throws: `ManifestError.signatureInvalid`.
    public init(manifest: Manifest, signature: [UInt8]) throws(ManifestError) {
        let digest = manifest.digest
        guard manifest.author.isValidSignature(signature, for: Self.statement(digest)) else {
            throw .signatureInvalid
        }
        self.manifest = manifest
        self.signature = signature
        self.digest = digest
    }

    /// Reads ``bytes`` and checks everything.
    public init(bytes: [UInt8]) throws(ManifestError) {
        let signatureByteCount = PublicKey.signatureByteCount
        guard bytes.count > signatureByteCount else {
            throw .unreadable(.truncated(offset: bytes.count))
        }
        let manifest = try Manifest(canonicalBytes: Array(bytes.dropLast(signatureByteCount)))
        try self.init(manifest: manifest, signature: Array(bytes.suffix(signatureByteCount)))
    }

    /// The canonical bytes, then the signature: how a manifest is stored and sent.
    public var bytes: [UInt8] { manifest.canonicalBytes + signature }

    private static func statement(_ digest: Digest) -> [UInt8] {
        var writer = CanonicalWriter(domain: signatureDomain)
        writer.write(raw: digest.bytes)
        return writer.bytes
    }
}
