/// Why a signed note or the text of a note key was refused.
public enum NoteError: Error, Hashable, Sendable {
    /// The note is longer than this program reads.
    case tooLong(byteCount: Int, limit: Int)
    /// The note is not UTF-8.
    case notUTF8
    /// A control character other than the newline, at this byte.
    case controlCharacter(offset: Int)
    /// No blank line parts a non-empty text from the signatures.
    case missingBlankLine
    /// The signature line of this index (from 0) is not `— name base64`.
    case malformedSignatureLine(index: Int)
    /// More signature lines than this program reads.
    case tooManySignatures(count: Int, limit: Int)
    /// A known key's signature does not verify.
    case invalidSignature(name: String)
    /// No signature is by a known key.
    case noKnownSignature
    /// A key name is empty or holds a space, a plus or a control character.
    case invalidName(String)
    /// The text is not `name+hexadecimal+base64` of a key.
    case malformedKey(String)
    /// The key ID in the text is not the one that follows from name and key.
    case keyIDMismatch(expected: UInt32, found: UInt32)
    /// A signature type that this program does not know.
    case unknownAlgorithm(UInt8)
}
