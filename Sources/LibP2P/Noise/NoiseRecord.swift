/// The layout of a transport record: length (2 bytes, big-endian), ciphertext, tag.
///
/// The length counts ciphertext and tag.
public enum NoiseRecord {
    /// The length field.
    public static let lengthByteCount = 2
    /// The tag.
    public static let tagByteCount = 16
    /// The greatest length that the field can say.
    public static let bodyByteCountMax = 65_535
    /// The greatest plaintext; senders fill records, because small ones cost half the speed.
    public static let plaintextByteCountMax = bodyByteCountMax - tagByteCount
    /// What a record has more than its plaintext.
    public static let overheadByteCount = lengthByteCount + tagByteCount
}
