internal import Synchronization

/// A flag that one task raises and another looks at.
final class StopFlag: Sendable {
    private let raised = Mutex(false)

    /// Raises the flag.
    func set() {
        raised.withLock { $0 = true }
    }

    /// Whether it has been raised.
    var isSet: Bool { raised.withLock { $0 } }
}
