/// One thing about a node's network that was looked at.
public struct NetworkCheck: Hashable, Sendable {
    /// What was looked at; the names are stable.
    public enum Subject: String, Hashable, Sendable, CaseIterable {
        /// The key file, and the key of the private network.
        case key
        /// The listen addresses.
        case bind
        /// Peers that can be dialled.
        case peers
        /// The told addresses, dialled back by a peer.
        case reachable
        /// The clock against those of peers.
        case clock
        /// Whether another node runs with the same key.
        case identity
    }

    /// What was found.
    public enum Outcome: String, Hashable, Sendable {
        /// All is well.
        case passed
        /// It works, but not as well as it could.
        case warning
        /// It does not work.
        case failed
        /// It could not be looked at.
        case skipped
    }

    /// What was looked at.
    public let subject: Subject
    /// What was found.
    public let outcome: Outcome
    /// What was found, in a sentence.
    public let finding: String
    /// What to do; empty where there is nothing to do.
    public let repair: String

    init(_ subject: Subject, _ outcome: Outcome, _ finding: String, repair: String = "") {
        self.subject = subject
        self.outcome = outcome
        self.finding = finding
        self.repair = repair
    }
}
