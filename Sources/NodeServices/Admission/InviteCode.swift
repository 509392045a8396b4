public import Cryptography
public import Federation
internal import Foundation

/// An invite with its secret, as one word for the joiner.
///
/// `starling-invite-1.` and the URL-safe Base64 without padding of seed (32) and ``Invite/bytes``.
/// Whoever has it first can use it, so it goes a way that others do not read.
public struct InviteCode: Sendable {
    /// The word's beginning.
    private static let prefix = "starling-invite-1."

    /// What the issuer signed.
    public let invite: Invite
    /// The key that signs for the joiner.
    public let key: SigningKey

    /// Pairs an invite and its key.
    init(invite: Invite, key: SigningKey) {
        precondition(invite.key == key.publicKey, "another invite's key")
        self.invite = invite
        self.key = key
    }

    /// Reads the word.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput`.
    public init(_ text: String) throws(NodeError) {
        let failure = NodeError(
            .invalidInput,
            "The invite can't be read; it is one word that begins with \(Self.prefix)")
        let limit = 2 * (Invite.byteCountMax + SigningKey.seedByteCount)
        guard text.hasPrefix(Self.prefix), text.utf8.count <= limit else { throw failure }
        var base64 = text.dropFirst(Self.prefix.count)
            .replacing("-", with: "+").replacing("_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: String(base64)) else { throw failure }
        let bytes = [UInt8](data)
        guard let key = SigningKey(seed: Array(bytes.prefix(SigningKey.seedByteCount))),
            let invite = try? Invite(bytes: Array(bytes.dropFirst(SigningKey.seedByteCount))),
            invite.key == key.publicKey
        else { throw failure }
        self.invite = invite
        self.key = key
    }

    /// The word.
    public var text: String {
        Self.prefix
            + Data(key.copySeed() + invite.bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
