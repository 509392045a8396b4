public import Cryptography
public import Federation

/// What a checker found.
public enum SimulationFailure: Error, Hashable, Sendable {
    /// Two different entries were certified at one height.
    case conflictingEntries(height: UInt64)
    /// Two proposals of one height each have a commit quorum.
    case conflictingDecisions(height: UInt64)
    /// A member signed two statements at one place.
    case doubleStatement(node: Int, subject: UInt16, height: UInt64, view: UInt64)
    /// Two adapters were adopted at one height.
    case conflictingAdapters(height: UInt64)
    /// An entry was stored that does not follow the last one.
    case gapInEntries(node: Int, height: UInt64)
    /// A collection grew beyond its bound.
    case boundExceeded(node: Int, name: String, count: Int)
    /// A node could not be restored from what it had persisted.
    case notRestorable(node: Int, RestoreError)
    /// An entry was stored that cannot be read.
    case unreadableEntry(node: Int)
    /// Effects appeared that nobody ordered, or an object was missing that had to be there.
    case brokenStore(node: Int, object: Digest)
    /// The log lacks a record that must be there.
    case logIncomplete(node: Int, height: UInt64)
    /// A member signed two statements for one place of a secure round.
    case doubleFrame(node: Int, kind: UInt8)
    /// Two members of one group opened different sets.
    case conflictingOpenings(node: Int)
    /// A secure round opened something else than the sum of its participants' updates.
    case wrongSum(node: Int, round: UInt64)
    /// A mean of a gossiping node breaks a rule.
    case unsoundMean(node: Int, round: UInt64, what: String)
    /// A node delivered a message that nobody wrote, or another one than was written.
    case unwrittenMessage(node: Int)
    /// A node delivered an announcement twice in one life.
    case deliveredTwice(node: Int, announcement: Int)
    /// A node wants to part from one that keeps the rules.
    case honestNodeBlamed(node: Int, by: Int)
    /// A node has a peer in its mesh with whom it has no connection.
    case strangerInMesh(node: Int)
    /// Live nodes had not heard an announcement when its time was over.
    case announcementLost(number: Int, nodes: [Int])
    /// The time limit passed; the heights of the nodes show where it hangs.
    case stalled(heights: [UInt64])
}
