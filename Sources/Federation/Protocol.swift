/// Numbers of the wire protocol.
public enum FederationProtocol {
    /// The version in HELLO; others are refused.
    public static let version: UInt32 = 1
    /// The longest message in bytes: below the 64 KiB that the carriers allow, with room for
    /// their framing.
    public static let messageByteCountMax = 48 * 1024
}
