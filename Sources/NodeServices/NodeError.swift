/// What went wrong on a node, in words for the person who runs it.
///
/// The leaf targets throw small enums with facts; here they become one error with a code that the
/// command line turns into its exit status.
public struct NodeError: Error, CustomStringConvertible {
    /// The kinds of failure; the command line maps each to an exit code (docs/exit-codes.md).
    public enum Code: String, Sendable {
        /// A setting, flag or file of the user is wrong.
        case invalidInput
        /// A file, folder or the store can't be read or written.
        case storage
        /// The network can't be reached or a peer can't be dialled.
        case network
        /// A peer refused this node, or this node refuses what it was given.
        case refused
        /// Something that is asked for isn't there.
        case notFound
        /// A log, certificate or digest doesn't verify.
        case verificationFailed
        /// The node can't train.
        case training
        /// There is too little memory even for a node that trains nothing.
        case memory
    }

    /// The kind of failure.
    public let code: Code
    /// What happened, where, and how to mend it; one or two sentences.
    public let message: String
    /// The error below, if there was one.
    public let cause: (any Error)?

    /// Makes an error from its parts.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The message, with the cause behind it.
    public var description: String {
        guard let cause else { return message }
        return "\(message) (\(cause))"
    }
}
