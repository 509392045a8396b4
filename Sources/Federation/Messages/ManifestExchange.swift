/// How a node that joins gets the manifest before it has a ``PeerInstance``.
///
/// Every instance answers ``request``; the joiner's shell sends it on a new connection, ignores
/// everything but an answer, and starts an instance with the manifest in it.
public enum ManifestExchange {
    /// The message that asks for the manifest.
    public static let request: [UInt8] = []

    /// The manifest in a message, checked; `nil` if the message is something else.
    ///
    /// - Throws: `ManifestError` if it is an answer with a manifest that does not hold.
    public static func signedManifest(in message: [UInt8]) throws(ManifestError) -> SignedManifest?
    {
        nil
    }
}
