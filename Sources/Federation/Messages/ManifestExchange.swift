/// How a node that joins gets the manifest before it has a ``PeerInstance``.
///
/// Every instance answers ``request``. The joiner's shell sends it on a new connection, ignores
/// everything but an answer, and starts an instance with the manifest in it.
public enum ManifestExchange {
    /// The message that asks for the manifest.
    public static var request: [UInt8] { MessageCodec.encode(.manifestRequest) }

    /// The answer of a node that has no instance of its own at hand.
    public static func reply(with manifest: SignedManifest) -> [UInt8] {
        MessageCodec.encode(.manifestReply(manifest.bytes))
    }

    /// The manifest in a message, checked; `nil` if the message is something else.
    ///
    /// - Throws: `ManifestError` if it is an answer with a manifest that does not hold.
    public static func signedManifest(
        in message: [UInt8]
    ) throws(ManifestError) -> SignedManifest? {
        let decoded: Message
        do {
            decoded = try MessageCodec.decode(message)
        } catch {
            return nil
        }
        guard case .manifestReply(let bytes) = decoded else { return nil }
        return try SignedManifest(bytes: bytes)
    }

    /// Why the node that was asked does not answer; `nil` if the message is something else.
    public static func refusal(in message: [UInt8]) -> RejectReason? {
        guard case .refuse(let reason) = try? MessageCodec.decode(message) else { return nil }
        return reason
    }
}
