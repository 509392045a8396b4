public import Cryptography

/// Two signed statements of one member where only one is allowed.
public struct Equivocation: Hashable, Sendable {
    /// What was said twice.
    ///
    /// The numbers are stable.
    public enum Subject: UInt16, Hashable, Sendable {
        /// Two updates for one round.
        case announcement = 1
        /// Two proposals for one height and view.
        case proposal = 2
        /// Two commits for one height and view.
        case commit = 3
        /// Two results for one height.
        case result = 4
        /// Two statements for one place of a secure round.
        case secureFrame = 5
    }

    /// The member that signed both.
    public let member: PublicKey
    /// What it said twice.
    public let subject: Subject
    /// The round of an announcement, else the height.
    public let height: UInt64
    /// The view of a proposal or commit, else 0.
    public let view: UInt64
    /// The statement that came first: its signed bytes, then the signature.
    public let first: [UInt8]
    /// The other one.
    public let second: [UInt8]
}
