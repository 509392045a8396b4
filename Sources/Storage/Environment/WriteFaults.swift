/// What a test is told of each step of a write transaction before it happens, to make it fail or
/// to end the process there.
package struct WriteFaults: Sendable {
    /// A step of a write transaction.
    package enum Step: Hashable, Sendable {
        case put(table: String)
        case delete(table: String)
        case commit
        case committed
    }

    package let observe: @Sendable (Step) throws(StorageError) -> Void

    package init(observe: @escaping @Sendable (Step) throws(StorageError) -> Void) {
        self.observe = observe
    }
}
