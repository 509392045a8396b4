package import Cryptography

/// What a frame of a secure round says, for those who watch a federation from outside.
package enum SecureInspection {
    /// A statement of which its signer may make only one, and what it says there.
    package struct Statement: Hashable, Sendable {
        /// The place: kind, group, sender, view and item as bytes.
        package let place: [UInt8]
        /// What is said: the digest of everything but the signature, without the view.
        package let digest: Digest
    }

    /// The kind of a frame: a message's type, 32 and more for words; 0 for no bytes.
    package static func kind(of bytes: [UInt8]) -> UInt8 { bytes.first ?? 0 }

    /// The statement in a frame; `nil` for words and for what may be said again.
    ///
    /// A roster's place does not say whose it is: rounds of groups have one for each group, and who
    /// of these keys signed it tells them apart.
    package static func statement(
        in bytes: [UInt8], signers: [PublicKey] = []
    ) -> Statement? {
        guard let frame = try? SecureFrame(bytes: bytes), let slot = SecureSlot(frame) else {
            return nil
        }
        var writer = CanonicalWriter()
        writer.write(slot.kind.rawValue)
        writer.write(prefixed: slot.scope)
        for number in [slot.sender, slot.view, slot.item] { writer.write(UInt64(number)) }
        if frame.kind == .roster, let signer = signers.first(where: frame.isSigned) {
            writer.write(raw: signer.bytes)
        }
        return Statement(place: writer.bytes, digest: Hashing.blake2b256(frame.body))
    }

    /// The group of a frame and what its signer asks to be opened: of whom the own mask and of
    /// whom the pair masks; `nil` for a frame that reveals nothing.
    package static func revealed(in bytes: [UInt8]) -> (group: [UInt8], sets: [UInt64])? {
        guard let frame = try? SecureFrame(bytes: bytes), frame.kind == .reveal,
            let reveal = try? SecureReveal(frame)
        else { return nil }
        return (frame.group, [reveal.commit.participants.bits, reveal.commit.dropped.bits])
    }
}
